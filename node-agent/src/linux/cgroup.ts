/** Cgroups of one container, v1 and unified. Paths are read once, checked to be that container's, and never derived again. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { CgroupPath, ContainerId, ProcessRef } from './ids';
import { containerCgroup, hostPid } from './ids';
import { cgroups, isAlive, startTime } from './proc';
import { comesTrue } from './wait';

export interface ContainerCgroups {
  readonly id: ContainerId;
  /** Folders below the cgroup mount, one for each hierarchy, each checked to be the container's own. */
  readonly dirs: readonly string[];
  /** Folder whose cgroup.freeze or freezer.state stops the container. */
  readonly freezer: string;
}

/** Of a living process of the container. Throws InvalidCgroup rather than give a path that is not the container's. */
export function containerCgroups(root: string, pid: number, id: ContainerId): ContainerCgroups {
  const lines = cgroups(pid);
  if (lines.length === 0)
    throw new TerminalError('ContainerGone', `process ${pid} of container ${id.slice(0, 12)} is gone`);
  const dirs = lines
    .map(({ controllers, path }) => join(hierarchy(root, controllers), containerCgroup(path, id)))
    .filter((dir) => existsSync(join(dir, 'cgroup.procs')));
  const freezer =
    dirs.find((dir) => existsSync(join(dir, 'cgroup.freeze'))) ??
    dirs.find((dir) => existsSync(join(dir, 'freezer.state')));
  if (freezer === undefined)
    throw new TerminalError('NoFreezer', `no freezer for container ${id.slice(0, 12)} below ${root}`);
  return { id, dirs, freezer };
}

function hierarchy(root: string, controllers: string): string {
  if (controllers !== '') return join(root, controllers.replace(/^name=/, ''));
  const hybrid = join(root, 'unified');
  return existsSync(hybrid) ? hybrid : root;
}

/** What is, not what was asked for: cgroup.events of version 2, freezer.state of version 1. */
export const standsStill = (freezer: string): boolean =>
  /^frozen 1$/m.test(readIfThere(join(freezer, 'cgroup.events')) ?? '') ||
  readIfThere(join(freezer, 'freezer.state')) === 'FROZEN';

/** Lets a container run again, whichever freezer it has. */
export function thaw(freezer: string): void {
  const v2 = join(freezer, 'cgroup.freeze');
  if (existsSync(v2)) writeFileSync(v2, '0');
  const v1 = join(freezer, 'freezer.state');
  if (existsSync(v1)) writeFileSync(v1, 'THAWED');
}

export const isFrozen = (freezer: string): boolean =>
  readIfThere(join(freezer, 'cgroup.freeze')) === '1' ||
  readIfThere(join(freezer, 'freezer.state')) === 'FROZEN';

/** Limit and use of a container's memory, by the name of their files in both versions (kernel: cgroup-v2.rst, memory.rst). */
const MEMORY_FILES = [
  ['memory.max', 'memory.current'],
  ['memory.limit_in_bytes', 'memory.usage_in_bytes'],
] as const;

/** A v1 group without a limit shows a number near 2^63; page cache counts as used, though the kernel would give it back. */
export function memoryRoom({ dirs }: ContainerCgroups): number | undefined {
  for (const dir of dirs)
    for (const [limitFile, usedFile] of MEMORY_FILES) {
      const [limit, used] = [limitFile, usedFile].map((file) => Number(readIfThere(join(dir, file)) || NaN));
      if (limit !== undefined && used !== undefined && limit < 2 ** 60) return Math.max(0, limit - used);
    }
  return undefined;
}

const readIfThere = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '');

const members = (dir: string): readonly number[] =>
  readIfThere(join(dir, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);

export const containerProcesses = (groups: ContainerCgroups): readonly number[] => [
  ...new Set(groups.dirs.flatMap(members)),
];

/** How long what was killed may take to be gone: the kernel writes back and frees its memory first. */
const GONE_WITHIN_MS = 20_000;

/**
 * Kills what a failed restore has left in a placeholder: every process of its own cgroup but its PID 1, each checked again right
 * before the kill (`may` is asked as well), until none is left: what was killed first may have forked meanwhile. A placeholder that is
 * gone took its pid namespace with it; then nothing is done.
 */
export async function killLeftovers(
  groups: ContainerCgroups,
  placeholder: ProcessRef,
  may: (pid: number) => boolean = () => true,
): Promise<void> {
  const gone = await comesTrue(() => killOnce(groups, placeholder, may) === 0, GONE_WITHIN_MS);
  if (!gone)
    throw new Error(`processes of container ${groups.id.slice(0, 12)} do not end although they were killed`);
}

/** How many were there to be killed. */
function killOnce(groups: ContainerCgroups, placeholder: ProcessRef, may: (pid: number) => boolean): number {
  let killed = 0;
  for (const pid of containerProcesses(groups)) {
    if (!isAlive(placeholder)) return 0;
    if (pid === placeholder.pid || pid <= 1 || startTime(pid) === undefined) continue;
    if (!cgroups(pid).some(({ path }) => belongs(path, groups.id)) || !may(pid)) continue;
    if (signal(pid, 'SIGKILL')) killed += 1;
  }
  return killed;
}

/** False where it ended by itself. */
export function signal(pid: number, name: 'SIGKILL' | 'SIGCONT' | 'SIGUSR1'): boolean {
  try {
    return process.kill(hostPid(pid), name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

function belongs(path: string, id: ContainerId): path is CgroupPath {
  try {
    containerCgroup(path, id);
    return true;
  } catch {
    return false;
  }
}
