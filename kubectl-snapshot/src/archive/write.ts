/** Writes an archive of an artifact's files, and makes sure on the way that each is what the manifest says. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { parseManifest, parseRootfsIndex } from '@dynamo-snapshot/api/validate';
import type { Pack } from 'tar-stream';
import { pack } from 'tar-stream';
import type { Entry } from './entries';
import { archiveFile, descriptions, toArchive } from './layout';

export interface Written {
  readonly manifest: Manifest;
  readonly files: number;
}

/** As a whole under its name, or not at all. `onBytes` is told how much has been written so far, and how much it will be. */
export async function writeArchive(
  entries: AsyncIterable<Entry>,
  file: string,
  onBytes: (done: number, total: number) => void,
): Promise<Written> {
  const part = `${file}.part`;
  const tar = pack();
  const landed = pipeline(tar, createWriteStream(part, { mode: 0o600 }));
  landed.catch(() => {});
  try {
    const written = await packAll(entries, tar, onBytes);
    tar.finalize();
    await landed;
    await rename(part, file);
    return written;
  } catch (error) {
    tar.destroy();
    await landed.catch(() => {});
    await rm(part, { force: true });
    throw error;
  }
}

async function packAll(
  entries: AsyncIterable<Entry>,
  tar: Pack,
  onBytes: (done: number, total: number) => void,
): Promise<Written> {
  for (const folder of FOLDERS) await addFolder(tar, folder);
  const small = new Map<string, Buffer>();
  const digests = new Map<string, string>();
  let done = 0;
  let total = 0;
  for await (const { path, sizeBytes, content } of entries) {
    const name = toArchive(path);
    if (KEPT.has(path)) {
      const bytes = await buffer(content);
      small.set(path, bytes);
      digests.set(path, createHash('sha256').update(bytes).digest('hex'));
      await add(tar, name, bytes);
      if (path === artifactFile.manifest) total = parseManifest(bytes.toString()).sizeBytes;
      continue;
    }
    const { watch, digest } = hashing((bytes) => onBytes((done += bytes), total));
    await pipeline(content, watch, tar.entry({ name, size: sizeBytes, mode: 0o600 }));
    digests.set(path, digest());
  }
  const manifest = parseManifest((small.get(artifactFile.manifest) ?? noManifest()).toString());
  refuseDamaged(manifest, digests);
  const rootfs = small.get(artifactFile.rootfsIndex);
  const words = descriptions({
    manifest,
    rootfs: rootfs === undefined ? undefined : parseRootfsIndex(rootfs.toString()),
  });
  for (const [name, text] of Object.entries(words)) await add(tar, name, Buffer.from(text));
  for (const [path, name] of COPIES)
    if (small.has(path)) await add(tar, name, small.get(path) ?? Buffer.alloc(0));
  return { manifest, files: digests.size };
}

/** Readers of the archive look for these two beside the images as well. */
const COPIES: readonly (readonly [string, string])[] = [
  [`${artifactFile.images}/stats-dump`, archiveFile.stats],
  [artifactFile.dumpLog, archiveFile.log],
];
/** Small, and needed again at the end. */
const KEPT: ReadonlySet<string> = new Set([
  artifactFile.manifest,
  artifactFile.rootfsIndex,
  ...COPIES.map(([path]) => path),
]);

/** checkpointctl asks for the folder itself. */
const FOLDERS = [archiveFile.own, archiveFile.images];

function noManifest(): never {
  throw new TerminalError('ArtifactInvalid', `there is no ${artifactFile.manifest} among the files`);
}

const add = (tar: Pack, name: string, bytes: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    tar.entry({ name, mode: 0o600 }, bytes, (error) => (error ? reject(error) : resolve()));
  });

const addFolder = (tar: Pack, name: string): Promise<void> =>
  new Promise((resolve, reject) => {
    tar.entry({ name: `${name}/`, type: 'directory', mode: 0o700 }, (error) =>
      error ? reject(error) : resolve(),
    );
  });

export function hashing(onBytes: (bytes: number) => void): {
  readonly watch: Transform;
  readonly digest: () => string;
} {
  const hash = createHash('sha256');
  const watch = new Transform({
    transform(chunk: Buffer, _, next) {
      hash.update(chunk);
      onBytes(chunk.length);
      next(null, chunk);
    },
  });
  return { watch, digest: () => hash.digest('hex') };
}

/** Every file of the manifest has to have come, as it was when it was captured. Throws ArtifactDamaged. */
export function refuseDamaged(manifest: Manifest, digests: ReadonlyMap<string, string>): void {
  const faults = manifest.files.flatMap(({ path, sha256 }) => {
    const seen = digests.get(path);
    if (seen === undefined) return [`${path} is missing`];
    return seen === sha256 ? [] : [`${path} has another content`];
  });
  if (faults.length > 0) throw new TerminalError('ArtifactDamaged', faults.join('; '));
}
