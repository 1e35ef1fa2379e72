/** An exported archive as the files of an artifact again. */
import { createReadStream } from 'node:fs';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Entry } from './entries';
import { tarEntries } from './entries';
import { fromArchive } from './layout';

/** What is there for other readers is skipped. */
export async function* archiveEntries(file: string): AsyncGenerator<Entry> {
  let ours = 0;
  for await (const { path, sizeBytes, content } of tarEntries(createReadStream(file))) {
    const inArtifact = fromArchive(path);
    if (inArtifact === undefined) {
      content.resume();
      continue;
    }
    ours += 1;
    yield { path: inArtifact, sizeBytes, content };
  }
  if (ours === 0)
    throw new TerminalError('ArtifactInvalid', `${file} is no archive of kubectl snapshot export`);
}
