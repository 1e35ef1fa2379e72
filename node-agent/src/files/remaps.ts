/** Names that CRIU gave to unlinked files of a source, and did not live to take away. */
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { ProcessRef } from '../linux/ids';
import { isAlive } from '../linux/proc';

/** criu/files-reg.c: create_link_remap */
const REMAP = /^link_remap\.\d+$/;

export interface Place {
  /** Where to look. */
  readonly folder: string;
  /** The same folder as the process sees it: an overlay is changed through its mount only. */
  readonly seenAt: string;
}

/** Unlinks what has been named so since then: a new link moves the change time of its file. Returns how many. */
export function unlinkRemaps(process: ProcessRef, places: readonly Place[], since: number): number {
  let unlinked = 0;
  for (const { folder, seenAt } of places.filter((p) => existsSync(p.folder)))
    for (const path of remapsBelow(folder)) {
      if (!isAlive(process)) return unlinked;
      const file = join(`/proc/${process.pid}/root`, seenAt, relative(folder, path));
      const found = lstatSync(file, { throwIfNoEntry: false });
      if (found?.isFile() !== true || found.ctimeMs < since) continue;
      rmSync(file, { force: true });
      unlinked += 1;
    }
  return unlinked;
}

const remapsBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && REMAP.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
