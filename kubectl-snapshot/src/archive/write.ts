/** Writes an archive of an artifact's files, and makes sure on the way that each is what the manifest says. */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { parseManifest, parseRootfsIndex } from '@dynamo-snapshot/api/validate';
import type { Pack } from 'tar-stream';
import { pack } from 'tar-stream';
import { Digests } from './digests';
import type { Entry } from './entries';
import { archiveFile, descriptions, toArchive } from './layout';

/** As a whole under its name, or not at all. `onBytes` is told how much has been written so far, and how much it will be. */
export async function writeArchive(
  entries: AsyncIterable<Entry>,
  file: string,
  onBytes: (done: number, total: number) => void,
): Promise<Manifest> {
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
): Promise<Manifest> {
  for (const folder of FOLDERS) await addFolder(tar, folder);
  const small = new Map<string, Buffer>();
  const digests = await Digests.create();
  let manifest: Manifest | undefined;
  let done = 0;
  for await (const { path, sizeBytes, content } of entries) {
    const name = toArchive(path);
    if (path === artifactFile.manifest) {
      const bytes = await buffer(content);
      manifest = parseManifest(bytes.toString());
      digests.expect(manifest);
      await add(tar, name, bytes);
      continue;
    }
    const total = manifest?.sizeBytes ?? 0;
    const watch = digests.watch(path, (bytes) => onBytes((done += bytes), total));
    if (KEPT.has(path)) {
      const bytes = await buffer(content.pipe(watch));
      small.set(path, bytes);
      await add(tar, name, bytes);
    } else await pipeline(content, watch, tar.entry({ name, size: sizeBytes, mode: 0o600 }));
  }
  if (manifest === undefined) return noManifest();
  digests.refuse();
  const rootfs = small.get(artifactFile.rootfsIndex);
  const words = descriptions({
    manifest,
    rootfs: rootfs === undefined ? undefined : parseRootfsIndex(rootfs.toString()),
  });
  for (const [name, text] of Object.entries(words)) await add(tar, name, Buffer.from(text));
  for (const [path, name] of COPIES)
    if (small.has(path)) await add(tar, name, small.get(path) ?? Buffer.alloc(0));
  return manifest;
}

/** Readers of the archive look for these two beside the images as well. */
const COPIES: readonly (readonly [string, string])[] = [
  [`${artifactFile.images}/stats-dump`, archiveFile.stats],
  [artifactFile.dumpLog, archiveFile.log],
];
/** Small, and needed again at the end. */
const KEPT: ReadonlySet<string> = new Set([artifactFile.rootfsIndex, ...COPIES.map(([path]) => path)]);

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
