/** What `ours` does with memory: the engine's copy, its artifact, and its fill. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { MANIFEST_VERSION } from '@dynamo-snapshot/api/manifest';
import type { MemoryDump } from '@dynamo-snapshot/node-agent/capture/memory';
import { dumpWithMemory } from '@dynamo-snapshot/node-agent/capture/memory';
import { frozenSeconds } from '@dynamo-snapshot/node-agent/criu/stats';
import type { Cuda } from '@dynamo-snapshot/node-agent/cuda/client';
import type { CudaTree, StoppedCuda } from '@dynamo-snapshot/node-agent/cuda/stop';
import { unmapped } from '@dynamo-snapshot/node-agent/cuda/areas';
import { cudaReady, cudaStop } from '@dynamo-snapshot/node-agent/cuda/stop';
import { behind, Gate } from '@dynamo-snapshot/node-agent/gate/gate';
import type { DriverArea } from '@dynamo-snapshot/node-agent/gate/plan';
import { threadsFor } from '@dynamo-snapshot/node-agent/memory/decide';
import type { Pool } from '@dynamo-snapshot/node-agent/memory/pool';
import { withPool } from '@dynamo-snapshot/node-agent/memory/pool';
import type { Checked } from '@dynamo-snapshot/node-agent/restore/check';
import { check, layOut } from '@dynamo-snapshot/node-agent/restore/check';
import { editsOfClone } from '@dynamo-snapshot/node-agent/restore/images';
import { digestFiles } from '@dynamo-snapshot/node-agent/store/digest';
import { openArtifact, publish } from '@dynamo-snapshot/node-agent/store/directory';
import { readKeys } from '@dynamo-snapshot/node-agent/store/keys';
import type { BenchIo } from './place';

const threads = (io: BenchIo): number => threadsFor(io.config.threads, availableParallelism());

/** The tree goes on as soon as it is dumped, unless it is that of a job; the artifact is stored meanwhile, then digested and published. */
export async function storeTree(
  dump: MemoryDump,
  finalDir: string,
  io: BenchIo,
  tree: CudaTree,
): Promise<void> {
  let paused = 0;
  let gpu: StoppedCuda | undefined;
  let cuda: Cuda | undefined;
  let areas: readonly DriverArea[] = [];
  const source = {
    ready: async () => {
      cuda = await cudaReady(tree, io);
    },
    stop: async (threads?: Pool) => {
      gpu ??= await cudaStop(tree, io, { threads, cuda });
      areas = gpu.areas;
    },
    spentSeconds: () => gpu?.spentSeconds() ?? 0,
    resume: async () => {
      if (dump.sourceEnds) return cuda?.close();
      const stats = readFileSync(join(dump.plan.images, 'stats-dump'));
      paused = Math.max((await gpu?.resume()) ?? 0, frozenSeconds(stats) ?? 0);
      areas = unmapped(gpu?.areas ?? []);
      gpu = undefined;
      io.steps.note('paused', paused);
    },
  };
  const memory = await dumpWithMemory(dump, io, source).catch(async (error: unknown) => {
    await gpu?.resume();
    throw error;
  });
  if (memory.pages === 'criu') throw new Error(`CRIU wrote the pages: ${memory.why}`);
  const files = await io.steps.run('digest', () =>
    withPool(threads(io), (pool) => digestFiles(dump.dir, undefined, pool)),
  );
  const manifest = manifestOf([...files], memory, paused, cudaOf(tree, areas));
  await io.steps.runToEnd('publish', () => publish({ stagingDir: dump.dir, finalDir, manifest }, io.signal));
}

export interface OpenOptions {
  readonly keepLocal: boolean;
  /** CRIU's. */
  readonly work: string;
}

export interface Opened {
  readonly checked: Checked;
  readonly gate: Gate | undefined;
}

/** Verified files below `view`; the shards are verified as they are filled in. */
export async function openTree(
  dir: string,
  view: string,
  pool: Pool,
  io: BenchIo,
  { keepLocal, work }: OpenOptions,
): Promise<Opened> {
  const artifact = await openArtifact(dir);
  const checked = await check(artifact, readKeys(io.config), pool, io);
  const { faults, content } = checked.verified;
  if (faults.length > 0) throw new TerminalError('RestoreRefused', faults.join('; '));
  // The address is the same: it is only asked which connections have both of their ends here.
  const edits = keepLocal
    ? editsOfClone(content, { addresses: new Map(), keepLocal })
    : new Map<string, Buffer>();
  const gate = Gate.make(checked, work, io);
  layOut(checked, behind(gate, checked, edits), view);
  return { checked, gate };
}

export const withThreads = <T>(io: BenchIo, work: (pool: Pool) => Promise<T>): Promise<T> =>
  withPool(threads(io), work);

export const imagesOf = (dir: string): string => join(dir, artifactFile.images);

/** A bench is in the pid namespace of its workers. */
const cudaOf = ({ processes, bytes, driver }: CudaTree, areas: readonly DriverArea[]): Manifest['cuda'] => ({
  ...{ driver, bytes, processes: processes.map(({ pid }) => pid) },
  gpus: [{ uuid: '', model: '', memoryBytes: bytes, usedBytes: bytes }],
  areas: areas.map(({ pid, start, end }) => ({ pid, start, end })),
});

const manifestOf = (
  files: Manifest['files'],
  memory: object,
  pausedSeconds: number,
  cuda: Manifest['cuda'],
): Manifest => ({
  version: MANIFEST_VERSION,
  createdAt: new Date().toISOString(),
  artifact: { namespace: 'bench', identityHash: '0'.repeat(16), uid: '0' },
  source: { nodeName: '', architecture: '', kernel: '', criuVersion: '' },
  container: { id: '', name: '', podName: '', podUid: '', image: '', imageDigest: '', command: [] },
  process: { count: 1, stdio: ['', '', ''], memoryBytes: 0, tree: { processes: [], limits: [] } },
  dump: { externalMounts: [], joinedNamespaces: [], pausedSeconds, pages: 'split', ...memory },
  ...(cuda && { cuda }),
  volumes: [],
  files,
  sizeBytes: 0,
});
