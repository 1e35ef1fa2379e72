/**
 * Walks a tree that others may change meanwhile: from a folder that is held open to the next by one name, no link ever followed.
 * A container could otherwise show us files of the agent: an absolute link below /proc/PID/root leads to our own root.
 */
import type { Stats } from 'node:fs';
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { xattrs } from '../linux/syscalls';

export interface Entry {
  /** Relative to where the walk began. */
  readonly path: string;
  /** Its name below an open folder: good until the walk goes on. */
  readonly at: string;
  readonly stats: Stats;
  readonly attributes: ReadonlyMap<string, Buffer>;
}

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** A pipe that took the place of a file does not stop us. */
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

const below = (fd: number): string => `/proc/self/fd/${fd}`;

/** Gone, or something else by now: somebody changed it after we had looked. */
const MEANWHILE = ['ENOENT', 'ELOOP', 'ENOTDIR', 'EINVAL', 'ENXIO'];

function unlessChanged<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (MEANWHILE.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** A folder below a root that is not ours, to be closed by the caller. Throws FilesUnsafe where a part of the path is no folder. */
export function openFolder(root: string, path: string): number {
  let fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  for (const name of path.split('/').filter((part) => part !== '' && part !== '.')) {
    const parent = fd;
    const next =
      name === '..' ? undefined : unlessChanged(() => openSync(`${below(parent)}/${name}`, FOLDER));
    closeSync(parent);
    if (next === undefined)
      throw new TerminalError('FilesUnsafe', `${path}: ${name} is a link, or no folder; it is not followed`);
    fd = next;
  }
  return fd;
}

/** linux/namei.h, MAXSYMLINKS */
const MOST_LINKS = 40;

/** The path without the links in it, resolved inside of the root: where the runtime has mounted what the pod wants at `path`. */
export function resolvedBelow(root: string, path: string): string {
  const done: string[] = [];
  const todo = path.split('/');
  for (let links = 0, name = todo.shift(); name !== undefined; name = todo.shift()) {
    if (name === '..') done.pop();
    if (name === '' || name === '.' || name === '..') continue;
    const target = unlessChanged(() => readlinkSync([root, ...done, name].join('/')));
    if (target === undefined) done.push(name);
    else if (++links > MOST_LINKS) throw new TerminalError('FilesUnsafe', `${path} has too many links in it`);
    else {
      if (target.startsWith('/')) done.length = 0;
      todo.unshift(...target.split('/'));
    }
  }
  return `/${done.join('/')}`;
}

/** Everything below an open folder, each folder before what is in it. What `skip` names is not looked into. */
export function* walk(fd: number, skip: (path: string) => boolean, path = ''): Generator<Entry, void> {
  for (const name of readdirSync(below(fd)).sort()) {
    const here = path === '' ? name : `${path}/${name}`;
    if (skip(here)) continue;
    const at = `${below(fd)}/${name}`;
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    yield { path: here, at, stats, attributes: xattrs(at) };
    if (!stats.isDirectory()) continue;
    const inner = unlessChanged(() => openSync(at, FOLDER));
    if (inner === undefined) continue;
    try {
      yield* walk(inner, skip, here);
    } finally {
      closeSync(inner);
    }
  }
}

/** The file that was looked at, opened; undefined where another one has its name by now. */
export function openEntry({ at, stats }: Entry): number | undefined {
  const fd = unlessChanged(() => openSync(at, FILE));
  if (fd === undefined) return undefined;
  const { ino, dev } = fstatSync(fd);
  if (ino === stats.ino && dev === stats.dev) return fd;
  closeSync(fd);
  return undefined;
}

export const linkTarget = ({ at }: Entry): string | undefined => unlessChanged(() => readlinkSync(at));
