/** The shared folder of a cluster as a file system of its own, so that it can be full or stand still without harm to the machine. */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, open, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedDir, stateDir, STATE_ROOT } from '../cluster/instance';
import { run } from '../cluster/run';

const SIZE_BYTES = 3 * 2 ** 30;
const FILLER = '.filler';
const LEFT_BYTES = 8 << 20;

const imageFile = (name: string): string => join(STATE_ROOT, `${name}.store.img`);

export async function isMounted(name: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  return mounts.split('\n').some((line) => line.split(' ')[4] === sharedDir(name));
}

/** Before the cluster is up: its nodes bind what is there when they start. */
export async function mountStore(name: string): Promise<void> {
  if (await isMounted(name)) return;
  if (existsSync(stateDir(name)))
    throw new Error(`the cluster ${name} is up on another store: take it down first`);
  await mkdir(sharedDir(name), { recursive: true });
  const image = await open(imageFile(name), 'w');
  await image.truncate(SIZE_BYTES).finally(() => image.close());
  await run({ argv: ['mkfs.ext4', '-q', '-m', '0', '-F', imageFile(name)] });
  await run({ argv: ['mount', '-o', 'loop', imageFile(name), sharedDir(name)] });
}

/** The nodes keep theirs until they end; the file goes with the last one. */
export async function unmountStore(name: string): Promise<void> {
  if (await isMounted(name)) await run({ argv: ['umount', sharedDir(name)] });
  await rm(imageFile(name), { force: true });
}

export async function fill(name: string): Promise<void> {
  const { bavail, bsize } = await statfs(sharedDir(name));
  const bytes = bavail * bsize - LEFT_BYTES;
  await run({ argv: ['fallocate', '--length', String(bytes), join(sharedDir(name), FILLER)] });
}

export const empty = (name: string): Promise<void> => rm(join(sharedDir(name), FILLER), { force: true });

/** Whoever writes waits (fsfreeze(8)). */
export const stall = async (name: string): Promise<void> =>
  void (await run({ argv: ['fsfreeze', '--freeze', sharedDir(name)] }));
export const goOn = async (name: string): Promise<void> =>
  void (await run({ argv: ['fsfreeze', '--unfreeze', sharedDir(name)] }));

/** Folders that an operation makes for itself, and takes away again. */
export const transient = (name: string): readonly string[] =>
  readdirSync(sharedDir(name), { recursive: true, withFileTypes: true })
    .filter((entry) => /^\.(staging|deleting)-/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
