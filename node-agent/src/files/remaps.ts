/**
 * Names that CRIU gave to unlinked files of a source, and did not live to take away; in the clone they come with the other files, and
 * CRIU takes them away when it has opened them. The source runs on while they are looked for: folders
 * are walked by open descriptors, and no link of its making leads us elsewhere.
 */
import type { Stats } from 'node:fs';
import { closeSync, existsSync, fstatSync, lstatSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { ProcessRef } from '../linux/ids';
import { isAlive } from '../linux/proc';
import { openFolder, walk } from './walk';

/** criu/files-reg.c: create_link_remap */
const REMAP = /^link_remap\.\d+$/;

export interface Place {
  /** As the process sees it: its files are changed through its own mounts only. */
  readonly seenAt: string;
  /** Where the names are looked for, if not there: the writable layer of an overlay has all of them, and little else. */
  readonly layer?: string;
}

/** Where CRIU, or the files of an artifact, may have such names: the writable layer, and the volumes that only this pod has. */
export const remapPlaces = (
  layer: string | undefined,
  volumes: readonly { readonly mountPath: string }[],
): readonly Place[] => [
  ...(layer === undefined ? [] : [{ seenAt: '/', layer }]),
  ...volumes.map(({ mountPath }) => ({ seenAt: mountPath })),
];

/** Unlinks what has been named so since then: a new link moves the change time of its file. Returns how many. */
export function unlinkRemaps(process: ProcessRef, places: readonly Place[], since: number): number {
  const root = `/proc/${process.pid}/root`;
  let unlinked = 0;
  for (const { seenAt, layer } of places) {
    if (!isAlive(process)) return unlinked;
    const found = layer === undefined ? remapsBelow(root, seenAt) : remapsBelow(layer, '');
    for (const path of found) if (isAlive(process) && unlink(root, join(seenAt, path), since)) unlinked += 1;
  }
  return unlinked;
}

function remapsBelow(root: string, path: string): readonly string[] {
  const folder = open(root, path);
  if (folder === undefined) return [];
  try {
    // What is mounted below belongs to others too, who may be in a dump of their own.
    const { dev } = fstatSync(folder);
    return [...walk(folder, () => false)]
      .filter(({ path: name, stats }) => isRemap(name, stats) && stats.dev === dev)
      .map((entry) => entry.path);
  } finally {
    closeSync(folder);
  }
}

const isRemap = (path: string, stats: Stats): boolean => stats.isFile() && REMAP.test(basename(path));

function unlink(root: string, path: string, since: number): boolean {
  const folder = open(root, dirname(path));
  if (folder === undefined) return false;
  try {
    const file = `/proc/self/fd/${folder}/${basename(path)}`;
    const found = lstatSync(file, { throwIfNoEntry: false });
    if (found?.isFile() !== true || found.ctimeMs < since) return false;
    unlinkSync(file);
    return true;
  } finally {
    closeSync(folder);
  }
}

/** Undefined where it is gone, or leads through a link by now. */
function open(root: string, path: string): number | undefined {
  if (!existsSync(root)) return undefined;
  try {
    return openFolder(root, path);
  } catch (error) {
    if (error instanceof TerminalError) return undefined;
    throw error;
  }
}
