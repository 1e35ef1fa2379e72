/** CRIU's image folder before and after the copy: page files that take nothing, then thin ones. */
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
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

/** Whether CRIU's pages went nowhere, so that they are ours to copy. */
export const isNull = (images: string, { pagesId }: Pagemap): boolean =>
  lstatSync(join(images, pagesFile(pagesId)), { throwIfNoEntry: false })?.isSymbolicLink() === true;

const STEP_BYTES = 1 << 20;

/** Writes the page file of a pagemap from `source`, which has the memory at the runs' addresses. The caller closes what is returned. */
export function writeThinPages(
  images: string,
  { pagesId, name }: Pagemap,
  runs: readonly Run[],
  source: number,
): number {
  const file = join(images, pagesFile(pagesId));
  rmSync(file, { force: true });
  const out = openSync(file, 'wx', 0o600);
  const buffer = Buffer.alloc(STEP_BYTES);
  for (const { address, length } of runs)
    for (let done = 0; done < length;) {
      const read = readSync(source, buffer, 0, Math.min(STEP_BYTES, length - done), address + done);
      if (read === 0)
        throw new TerminalError('SplitUnproven', `${name}: no memory at 0x${(address + done).toString(16)}`);
      for (let at = 0; at < read;) at += writeSync(out, buffer, at, read - at);
      done += read;
    }
  return out;
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

export const closeAll = (fds: readonly number[]): void => {
  for (const fd of fds) closeSync(fd);
};
