/** Writes an archive of an artifact's files, and makes sure on the way that each is what the manifest says. */
import { rename, rm } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { parseManifest } from '@dynamo-snapshot/api/validate';
import { Contents } from './contents';
import { Digests } from './digests';
import type { Entry } from './entries';
import { TarFile } from './tar-file';

/** How much has been written so far, and how much it will be. */
export type OnBytes = (done: number, total: number) => void;

/** Takes the entries, and gives the manifest of what it has put into the archive. */
export type Packing = (
  entries: AsyncIterable<Entry>,
  contents: Contents,
  onBytes: OnBytes,
) => Promise<Manifest>;

/** As a whole under its name, or not at all. */
export async function writeArchive(
  entries: AsyncIterable<Entry>,
  file: string,
  packing: Packing,
  onBytes: OnBytes,
): Promise<Manifest> {
  const part = `${file}.part`;
  const tar = await TarFile.create(part);
  try {
    const contents = await Contents.begin(tar);
    const manifest = await packing(entries, contents, onBytes);
    await contents.describe(manifest);
    await tar.finish();
    await rename(part, file);
    return manifest;
  } catch (error) {
    await tar.close();
    await rm(part, { force: true });
    throw error;
  }
}

/** The artifact as it is. */
export const packAsIs: Packing = async (entries, contents, onBytes) => {
  const digests = await Digests.create();
  let manifest: Manifest | undefined;
  let done = 0;
  for await (const { path, sizeBytes, content } of entries) {
    if (path === artifactFile.manifest) {
      const bytes = await buffer(content);
      manifest = parseManifest(bytes.toString());
      digests.expect(manifest);
      await contents.add(path, bytes);
      continue;
    }
    const total = manifest?.sizeBytes ?? 0;
    const watch = digests.watch(path, (bytes) => onBytes((done += bytes), total));
    await Promise.all([pipeline(content, watch), contents.addStream(path, sizeBytes, watch)]);
  }
  if (manifest === undefined) throw noManifest();
  digests.refuse();
  return manifest;
};

export const noManifest = (): TerminalError =>
  new TerminalError('ArtifactInvalid', `there is no ${artifactFile.manifest} among the files`);
