/** The files of an artifact one after the other, wherever they come from. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import { extract } from 'tar-stream';

export interface Entry {
  readonly path: string;
  readonly sizeBytes: number;
  /** Must be read to its end before the next entry is asked for. */
  readonly content: Readable;
}

/** Which pages there are, and of what: needed before the pages themselves. */
const DESCRIBE_MEMORY = /^criu\/(files|memfd|mm-\d+|pagemap-(shmem-)?\d+)\.img$/;
export const describesMemory = (path: string): boolean =>
  path === artifactFile.pagesIndex || DESCRIBE_MEMORY.test(path);

/** The manifest first, so that readers know at once what comes, and what describes the memory before that. */
const rank = (path: string): number => (path === artifactFile.manifest ? 0 : describesMemory(path) ? 1 : 2);

export async function* folderEntries(dir: string): AsyncGenerator<Entry> {
  const all = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = all
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name).slice(dir.length + 1))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  for (const path of paths) {
    const file = join(dir, path);
    yield { path, sizeBytes: (await stat(file)).size, content: createReadStream(file) };
  }
}

/** Of a tar; folders and everything else that is no file are left out. */
export async function* tarEntries(tar: Readable): AsyncGenerator<Entry> {
  const reader = extract();
  tar.on('error', (error) => reader.destroy(error));
  tar.pipe(reader);
  for await (const entry of reader) {
    const { name, type, size = 0 } = entry.header;
    if (type !== 'file') entry.resume();
    else yield { path: name.replace(/^\.\//, ''), sizeBytes: size, content: entry as unknown as Readable };
  }
}
