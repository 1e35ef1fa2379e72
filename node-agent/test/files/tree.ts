/** What a file tree looks like to a program in it, as one comparable value; and overlays to look at. */
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { xattrSetter } from '@dynamo-snapshot/nsrestore/xattr';
import { xattrs } from '../../src/linux/syscalls';

export const setXattr = xattrSetter(resolve(__dirname, '../../..'));

export interface Scratch {
  readonly dir: string;
  remove(): void;
}

/** A folder in memory, because not every file system takes trusted attributes. */
export function scratch(): Scratch {
  const dir = mkdtempSync(join(tmpdir(), 'files-test-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'files-test', dir]);
  return {
    dir,
    remove: () => {
      execFileSync('umount', ['--recursive', '--lazy', dir]);
      rmSync(dir, { recursive: true });
    },
  };
}

export interface Overlay {
  readonly upper: string;
  readonly merged: string;
}

export function overlay(dir: string, lower: string, options = ''): Overlay {
  const at = { upper: join(dir, 'upper'), work: join(dir, 'work'), merged: join(dir, 'merged') };
  for (const part of Object.values(at)) mkdirSync(part, { recursive: true });
  const layers = `lowerdir=${lower},upperdir=${at.upper},workdir=${at.work}${options}`;
  execFileSync('mount', ['-t', 'overlay', '-o', layers, 'overlay', at.merged]);
  return at;
}

/** Path -> everything that is restored of it. Hard links are told by the first path of their inode; sockets are left out. */
export function view(root: string): ReadonlyMap<string, unknown> {
  const seen = new Map<string, unknown>();
  const inodes = new Map<number, string>();
  const look = (path: string): void => {
    const file = join(root, path);
    const stats = lstatSync(file);
    if (stats.isSocket()) return;
    const first = inodes.get(stats.ino) ?? path;
    inodes.set(stats.ino, first);
    seen.set(path, {
      mode: stats.mode.toString(8),
      owner: `${stats.uid}:${stats.gid}`,
      device: stats.rdev,
      attributes: [...xattrs(file)].map(([name, value]) => `${name}=${value.toString('hex')}`).sort(),
      sameAs: first,
      ...(stats.isFile()
        ? { content: readFileSync(file, 'base64'), seconds: Math.floor(stats.mtimeMs / 1000) }
        : {}),
      ...(stats.isSymbolicLink() ? { target: readlinkSync(file) } : {}),
    });
    if (stats.isDirectory()) for (const name of readdirSync(file).sort()) look(join(path, name));
  };
  for (const name of readdirSync(root).sort()) look(name);
  return seen;
}
