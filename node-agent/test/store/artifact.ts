/** An artifact made by the shipped code from this process's own memory, and what opens it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest, ManifestFile } from '@dynamo-snapshot/api/manifest';
import { MANIFEST_VERSION } from '@dynamo-snapshot/api/manifest';
import { indexOf } from '../../src/memory/catalog';
import { CHUNK_BYTES, cutChunks } from '../../src/memory/chunks';
import { MemoryFill } from '../../src/memory/fill';
import type { Pool } from '../../src/memory/pool';
import { ChunkTable } from '../../src/memory/table';
import type { Region } from '../../src/linux/memory';
import { allocate, release, viewOf } from '../../src/linux/memory';
import { digestFiles } from '../../src/store/digest';
import { beginArtifact, openArtifact, publish } from '../../src/store/directory';
import type { Keys } from '../../src/store/keys';
import { keyOf, protectionOf } from '../../src/store/keys';
import { verifyFiles } from '../../src/store/verify';

export const NO_KEYS: Keys = { trusted: [], required: false, ring: [] };

export interface Made {
  readonly dir: string;
  readonly memory: Region;
  readonly clean: () => void;
}

const PID_IN_TREE = 1;
/** More than one chunk, the last one short. */
const MEMORY_BYTES = CHUNK_BYTES + 5 * 4096;

/** A pattern without a page of zeros but one. */
function patterned(): Region {
  const region = allocate(MEMORY_BYTES, false);
  const view = viewOf(region.address, region.length);
  for (let i = 0; i < view.length; i += 4) view.writeUInt32LE((i * 2654435761) >>> 0, i);
  view.fill(0, 8192, 12288);
  return region;
}

export async function makeArtifact(pool: Pool, keys: Keys = NO_KEYS): Promise<Made> {
  const root = mkdtempSync(join(tmpdir(), 'artifact-'));
  const [stagingDir, finalDir] = [join(root, '.staging-u'), join(root, 'u')];
  const protection = protectionOf(keys);
  const key = protection.key === undefined ? {} : { key: protection.key };
  await beginArtifact(stagingDir, finalDir);
  for (const folder of ['criu', 'pages', 'volumes']) mkdirSync(join(stagingDir, folder));
  writeFileSync(join(stagingDir, 'criu/core-1.img'), 'core of the root');
  writeFileSync(join(stagingDir, 'criu/pages-1.img'), Buffer.alloc(CHUNK_BYTES + 999, 7));
  writeFileSync(join(stagingDir, 'criu/empty.img'), '');
  writeFileSync(join(stagingDir, 'rootfs.json'), '{"deleted":[],"opaque":[],"entries":0}');
  writeFileSync(join(stagingDir, 'rootfs.tar'), Buffer.alloc(10240, 3));
  const memory = patterned();
  const chunks = cutChunks([{ pid: PID_IN_TREE, ...memory, startsEmpty: true }]);
  const table = ChunkTable.of(chunks, () => process.pid);
  await pool.run((shard) => ({ do: 'open', shard, path: join(stagingDir, `pages/shard-${shard}`), ...key }));
  const { dropped } = await pool.run(() => ({ do: 'copy', table: table.memory }));
  await pool.run(() => ({ do: 'sync' }));
  const stored = { shardCount: pool.threads, chunks, table, dropped, advised: [] };
  const index = indexOf({ ...stored, encrypted: protection.key !== undefined });
  writeFileSync(join(stagingDir, 'pages/index.json'), JSON.stringify(index));
  const files = await digestFiles(stagingDir, protection.key, pool);
  const encryption = protection.encryption === undefined ? {} : { encryption: protection.encryption };
  const manifest = { ...manifestOf(files), ...encryption };
  const signing = protection.signing === undefined ? {} : { key: protection.signing };
  await publish({ stagingDir, finalDir, manifest, ...signing }, new AbortController().signal);
  const clean = () => {
    release(memory);
    rmSync(root, { recursive: true });
  };
  return { dir: finalDir, memory, clean };
}

export const manifestOf = (files: readonly ManifestFile[]): Manifest => ({
  version: MANIFEST_VERSION,
  createdAt: '2026-01-01T00:00:00Z',
  artifact: { namespace: 'n', identityHash: 'h', uid: 'u' },
  source: { nodeName: 'node', architecture: 'x64', kernel: '6', criuVersion: '4' },
  container: { id: 'c', name: 'm', podName: 'p', podUid: 'u', image: 'i', imageDigest: 'd', command: [] },
  process: { count: 1, stdio: ['', '', ''], memoryBytes: 1, tree: { processes: [], limits: [] } },
  dump: { externalMounts: [], joinedNamespaces: [], pausedSeconds: 0, pages: 'split' },
  volumes: [],
  files: [...files],
  sizeBytes: 1,
});

/** What a restore reads: the manifest, every file, and the memory, which goes into `target` of this process. */
export async function openAll(
  { dir, memory }: Made,
  target: Region,
  pool: Pool,
  keys: Keys = NO_KEYS,
): Promise<readonly string[]> {
  const artifact = await openArtifact(dir, undefined, keys);
  const key = keyOf(artifact.manifest, keys);
  const { faults, index } = await verifyFiles(artifact, key, pool);
  if (faults.length > 0 || index === undefined) return faults;
  const moved = {
    ...index,
    chunks: index.chunks.map((chunk) => ({
      ...chunk,
      extents: chunk.extents.map((v, i) => (i % 2 === 0 ? v - memory.address + target.address : v)),
    })),
  };
  // The address is another here; in a restored tree it is the same.
  await new MemoryFill({ dir, index: moved, key, hostOf: () => process.pid }).run(pool);
  return [];
}
