/** Takes the files of an artifact one by one, hands each on, and knows at the end whether all came as the manifest says. */
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { parseManifest } from '@dynamo-snapshot/api/validate';
import { Digests } from './digests';
import type { Entry } from './entries';

export type Put = (path: string, sizeBytes: number, content: Readable) => Promise<void>;

/** The manifest comes first, and is not handed on: who receives the rest writes it last. */
export async function receive(
  entries: AsyncIterable<Entry>,
  begin: (manifest: Manifest) => Promise<Put>,
): Promise<{ readonly manifest: Manifest; readonly text: string }> {
  let manifest: Manifest | undefined;
  let text = '';
  let put: Put | undefined;
  const digests = await Digests.create();
  for await (const { path, sizeBytes, content } of entries) {
    if (path === artifactFile.manifest) {
      text = (await buffer(content)).toString();
      manifest = parseManifest(text);
      digests.expect(manifest);
      put = await begin(manifest);
      continue;
    }
    if (put === undefined)
      throw new TerminalError('ArtifactInvalid', `${artifactFile.manifest} is not the first of the files`);
    const watch = digests.watch(path);
    await Promise.all([pipeline(content, watch), put(path, sizeBytes, watch)]);
  }
  if (manifest === undefined)
    throw new TerminalError('ArtifactInvalid', `there is no ${artifactFile.manifest} among the files`);
  digests.refuse();
  return { manifest, text };
}
