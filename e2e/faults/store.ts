/** The shared folder of a cluster as a file system of its own, so that it can be full or stand still without harm to the machine. */
import { lstatSync, readdirSync } from 'node:fs';
import { mkdir, open, readFile, rm, rmdir, statfs, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { checkName, sharedDir, stateDir } from '../cluster/instance';
import { run } from '../cluster/run';

/** Beside the clusters' own folders: nothing of theirs is removed while something is mounted in it. */
const STORES = '/var/lib/dynamo-snapshot-fault-stores';
const SIZE_BYTES = 3 * 2 ** 30;
const FILLER = '.filler';
const LEFT_BYTES = 8 << 20;

const mountPoint = (name: string): string => join(STORES, checkName(name));
const imageFile = (name: string): string => `${mountPoint(name)}.img`;

async function isMounted(name: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  return mounts.split('\n').some((line) => line.split(' ')[4] === mountPoint(name));
}

/** Whether the cluster, if it is there, has been started on it. */
export const isUsed = (name: string): boolean =>
  lstatSync(sharedDir(name), { throwIfNoEntry: false })?.isSymbolicLink() === true;

/** Before the cluster is up: its nodes bind what they find at the shared folder when they start. */
export async function mountStore(name: string): Promise<void> {
  // What a run that was cut off left there is no cluster's any more.
  if (!isUsed(name)) await unmountStore(name);
  await mkdir(mountPoint(name), { recursive: true });
  if (!(await isMounted(name))) {
    const image = await open(imageFile(name), 'w');
    await image.truncate(SIZE_BYTES).finally(() => image.close());
    await run({ argv: ['mkfs.ext4', '-q', '-m', '0', '-F', imageFile(name)] });
    await run({ argv: ['mount', '-o', 'loop', imageFile(name), mountPoint(name)] });
  }
  if (isUsed(name)) return;
  await mkdir(stateDir(name), { recursive: true });
  await symlink(mountPoint(name), sharedDir(name));
}

/** When the cluster is down. */
export async function unmountStore(name: string): Promise<void> {
  if (await isMounted(name)) await run({ argv: ['umount', mountPoint(name)] });
  await rm(imageFile(name), { force: true });
  await rmdir(mountPoint(name)).catch(() => undefined);
}

export async function fill(name: string): Promise<void> {
  const { bavail, bsize } = await statfs(sharedDir(name));
  const bytes = bavail * bsize - LEFT_BYTES;
  await run({ argv: ['fallocate', '--length', String(bytes), join(sharedDir(name), FILLER)] });
}

export const empty = (name: string): Promise<void> => rm(join(sharedDir(name), FILLER), { force: true });

/** Whoever writes waits (fsfreeze(8)). */
export const stall = async (name: string): Promise<void> =>
  void (await run({ argv: ['fsfreeze', '--freeze', mountPoint(name)] }));
export const goOn = async (name: string): Promise<void> =>
  void (await run({ argv: ['fsfreeze', '--unfreeze', mountPoint(name)] }));

const ARTIFACT = /^[^./][^/]*\/[0-9a-f]{16}\/[0-9a-f-]{36}$/;

/** Artifacts that are in their place, as `<namespace>/<identity hash>/<uid>`. */
export const artifacts = (name: string): readonly string[] =>
  readdirSync(sharedDir(name), { recursive: true, encoding: 'utf8' }).filter((path) => ARTIFACT.test(path));

/** Folders that an operation makes for itself, and takes away again. */
export const transient = (name: string): readonly string[] =>
  readdirSync(sharedDir(name), { recursive: true, withFileTypes: true })
    .filter((entry) => /^\.(staging|deleting)-/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
