/** The host-level cgroups of one operation, one in each hierarchy. Its UID names them, so they can be found again by any agent. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { UID } from '@dynamo-snapshot/api/layout';
import { signal } from '../linux/cgroup';
import type { ProcessRef } from '../linux/ids';
import { cgroups, isAlive, processRef } from '../linux/proc';

const PARENT = 'dynamo-snapshot';

/** All hierarchies of v1 and unified, or the only one of v2. */
function hierarchies(root: string): readonly string[] {
  if (existsSync(join(root, 'cgroup.controllers'))) return [root];
  return readdirSync(root, { withFileTypes: true })
    .filter((d) => d.isDirectory())
    .map((d) => join(root, d.name));
}

function groupDirs(root: string, uid: string): readonly string[] {
  if (!UID.test(uid)) throw new TerminalError('InvalidUid', `${JSON.stringify(uid)} cannot name a cgroup`);
  return hierarchies(root).map((dir) => join(dir, PARENT, uid));
}

export function makeGroups(root: string, uid: string): readonly string[] {
  const dirs = groupDirs(root, uid);
  for (const dir of dirs) {
    mkdirSync(dir, { recursive: true });
    inheritCpuset(join(dir, '..', '..'), [join(dir, '..'), dir]);
  }
  return dirs;
}

/** A fresh v1 cpuset has no processors and no memory nodes, and takes no process (cpusets(7)). */
function inheritCpuset(from: string, to: readonly string[]): void {
  for (const dir of to)
    for (const file of ['cpuset.cpus', 'cpuset.mems'].filter(
      (name) => existsSync(join(dir, name)) && existsSync(join(from, name)),
    ))
      if (readFileSync(join(dir, file), 'utf8').trim() === '')
        writeFileSync(join(dir, file), readFileSync(join(from, file)));
}

/** Its processes: those whose own /proc entry, too, says that they are in this operation's group. */
export function groupMembers(root: string, uid: string): readonly ProcessRef[] {
  const listed = groupDirs(root, uid).flatMap((dir) => membersOf(dir));
  return [...new Set(listed)]
    .filter((pid) => pid > 1)
    .flatMap((pid) => processRef(pid) ?? [])
    .filter((ref) => isAlive(ref) && isMember(ref, uid));
}

function membersOf(dir: string): readonly number[] {
  const file = join(dir, 'cgroup.procs');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number) : [];
}

const isMember = ({ pid }: ProcessRef, uid: string): boolean =>
  cgroups(pid).some(({ path }) => path.endsWith(`/${PARENT}/${uid}`));

/** SIGKILL to every member: by the kernel where it can (cgroup.kill, Linux 5.14), else one by one, each looked at right before. */
export function killMembers(root: string, uid: string): void {
  for (const dir of groupDirs(root, uid)) {
    const file = join(dir, 'cgroup.kill');
    if (existsSync(file)) writeFileSync(file, '1');
  }
  for (const { pid } of groupMembers(root, uid)) signal(pid, 'SIGKILL');
}

/** Whether they are gone, and the folder of all operations too where this was the last one. A group that holds a process stays. */
export function removeGroups(root: string, uid: string): boolean {
  const dirs = groupDirs(root, uid);
  for (const dir of dirs) {
    removeEmpty(dir);
    removeEmpty(dirname(dir));
  }
  return dirs.every((dir) => !existsSync(dir));
}

/** The kernel refuses a group with processes or groups in it (EBUSY), and says ENOTEMPTY of a plain folder. */
function removeEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch (error) {
    if (!['EBUSY', 'ENOTEMPTY', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
