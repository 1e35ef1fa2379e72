/**
 * CRIU's image folder before and after the copy: page files that take nothing, then thin ones. What is done to it while the source is stopped
 * leaves the engine free to let the source go: the store may not answer.
 */
import {
  close,
  lstatSync,
  open,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  write,
  writeFileSync,
} from 'node:fs';
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { adviseHugePages } from '../criu/mm';
import type { Pagemap, Run } from '../criu/pagemap';
import { withRuns } from '../criu/pagemap';
import type { AdvisedArea } from '@dynamo-snapshot/api/pages';

const pagesFile = (id: number): string => `pages-${id}.img`;

/**
 * CRIU opens the page files by name, and splices into them. A link to /dev/null takes the pages and keeps none: everything else of
 * the dump is as ever. Where there are more tasks and segments than links, CRIU writes the rest itself, and we leave those alone.
 */
export function linkNullPages(images: string, count: number): void {
  for (let id = 1; id <= count; id += 1) symlinkSync('/dev/null', join(images, pagesFile(id)));
}

export function removeNullLinks(images: string): void {
  for (const name of readdirSync(images).filter((n) => /^pages-\d+\.img$/.test(n)))
    if (lstatSync(join(images, name)).isSymbolicLink()) rmSync(join(images, name));
}

/** What CRIU has written of the memory, when it has dumped every task. */
export interface Images {
  /** Lists of pages and of areas, by their names. */
  readonly lists: ReadonlyMap<string, Buffer>;
  readonly links: ReadonlySet<string>;
}

export async function readImages(images: string): Promise<Images> {
  const entries = await readdir(images, { withFileTypes: true });
  const names = entries.map(({ name }) => name).filter((name) => /^(pagemap|mm)-.*\.img$/.test(name));
  const lists = names.map(async (name) => [name, await readFile(join(images, name))] as const);
  return {
    lists: new Map(await Promise.all(lists)),
    links: new Set(entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name)),
  };
}

/** Whether CRIU's pages went nowhere, so that they are ours to copy. */
export const isNull = ({ links }: Images, { pagesId }: Pagemap): boolean => links.has(pagesFile(pagesId));

const [opened, written, closed] = [promisify(open), promisify(write), promisify(close)];

const STEP_BYTES = 1 << 20;

/** Writes the page file of a pagemap from `source`, which has the memory at the runs' addresses. The caller closes what is returned. */
export async function writeThinPages(
  images: string,
  { pagesId, name }: Pagemap,
  runs: readonly Run[],
  source: number,
): Promise<number> {
  const file = join(images, pagesFile(pagesId));
  await unlink(file);
  const out = await opened(file, 'wx', 0o600);
  for (const part of contentOf(runs, source, name))
    for (let at = 0; at < part.length;) at += (await written(out, part, at, part.length - at)).bytesWritten;
  return out;
}

/** Each part is valid until the next is asked for. */
function* contentOf(runs: readonly Run[], source: number, name: string): Generator<Buffer> {
  const buffer = Buffer.alloc(STEP_BYTES);
  let filled = 0;
  for (const { address, length } of runs)
    for (let done = 0; done < length;) {
      const read = readSync(
        source,
        buffer,
        filled,
        Math.min(STEP_BYTES - filled, length - done),
        address + done,
      );
      if (read === 0)
        throw new TerminalError('SplitUnproven', `${name}: no memory at 0x${(address + done).toString(16)}`);
      [done, filled] = [done + read, filled + read];
      if (filled < STEP_BYTES) continue;
      yield buffer;
      filled = 0;
    }
  yield buffer.subarray(0, filled);
}

export function rewritePagemap(images: string, pagemap: Pagemap, runs: readonly Run[]): void {
  writeFileSync(join(images, pagemap.name), withRuns(pagemap, runs));
}

/** Returns what the areas were advised before. */
export function rewriteAdvice(
  images: string,
  pid: number,
  starts: ReadonlySet<number>,
): readonly AdvisedArea[] {
  const name = `mm-${pid}.img`;
  const { bytes, before } = adviseHugePages(name, readFileSync(join(images, name)), starts);
  writeFileSync(join(images, name), bytes);
  return before.map((area) => ({ pid, ...area }));
}

/** One after the other: each may take one of Node's few threads for as long as the store is away. */
export async function closeAll(fds: readonly number[]): Promise<void> {
  for (const fd of fds) await closed(fd);
}
