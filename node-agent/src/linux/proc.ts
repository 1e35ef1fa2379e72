/** What /proc says about processes. Everything may vanish between two reads: absent is a value, not an error. */
import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import type { HostPid, ProcessRef } from './ids';
import { hostPid } from './ids';

export interface Status {
  readonly name: string;
  /** R, S, D, T (stopped), t (traced), Z, X */
  readonly state: string;
  readonly tracerPid: number;
  /** Pid of the parent, in our own pid namespace. */
  readonly parent: number;
  readonly threads: number;
  /** From our own pid namespace inwards. */
  readonly nsPids: readonly number[];
  readonly rssBytes: number;
}

/** Undefined where the process, or the file, is not there (any more). */
export const orAbsent = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
};

/** Field 22 of /proc/PID/stat. The second field may hold spaces and parentheses; the rest follows the last one. */
export function startTime(pid: number): string | undefined {
  const text = orAbsent(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}

/** Epoch milliseconds; proc_pid_stat(5) has a hundredth of a second since the machine started. */
export function startedAt(pid: number): number | undefined {
  const ticks = startTime(pid);
  if (ticks === undefined) return undefined;
  const upSeconds = parseFloat(readFileSync('/proc/uptime', 'utf8'));
  return Date.now() - upSeconds * 1000 + Number(ticks) * 10;
}

export function processRef(pid: number): ProcessRef | undefined {
  const started = startTime(pid);
  return started === undefined ? undefined : { pid: hostPid(pid), startTime: started };
}

/** The very process, not one that has its number now. A zombie is dead. */
export const isAlive = (ref: ProcessRef): boolean => {
  if (startTime(ref.pid) !== ref.startTime) return false;
  const state = status(ref.pid)?.state;
  return state !== undefined && state !== 'Z' && state !== 'X';
};

export function status(pid: number): Status | undefined {
  const text = orAbsent(() => readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (text === undefined) return undefined;
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
  return {
    name: field('Name'),
    state: field('State').charAt(0),
    tracerPid: Number(field('TracerPid') || 0),
    parent: Number(field('PPid') || 0),
    threads: Number(field('Threads') || 1),
    nsPids: field('NSpid').split(/\s+/).filter(Boolean).map(Number),
    rssBytes: (parseInt(field('VmRSS'), 10) || 0) * 1024,
  };
}

/** Real user and group. */
export function credentials(pid: number): { readonly uid: number; readonly gid: number } | undefined {
  const text = orAbsent(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '';
  const [, uid] = /^Uid:\s+(\d+)/m.exec(text) ?? [];
  const [, gid] = /^Gid:\s+(\d+)/m.exec(text) ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** Memory that a dump would hold: anonymous, shared, and swapped; pages that were only read are in none of them. */
export function ownBytes(pid: number): number {
  const text = orAbsent(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '';
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return bytes('RssAnon') + bytes('RssShmem') + bytes('VmSwap');
}

/** NUMA nodes that it may have memory of (cpuset(7)), as the kernel lists them. */
export const memoryNodes = (pid: number): string =>
  /^Mems_allowed_list:\s*(.*)$/m.exec(
    orAbsent(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '',
  )?.[1] ?? '';

const PAGE_BYTES = 4096;
/** 2 MiB. */
const HUGE_ORDER = 9;

/** What is free in blocks of a huge page at least: of each zone, the blocks of 2^0, 2^1… pages (proc_buddyinfo(5)). */
export const freeHugeBytes = (buddyinfo: string): number =>
  buddyinfo
    .trim()
    .split('\n')
    .map((line) => (line.split(/zone\s+\S+/)[1] ?? '').trim().split(/\s+/).map(Number))
    .flatMap((counts) =>
      counts.map((count, order) => (order < HUGE_ORDER ? 0 : count * PAGE_BYTES * 2 ** order)),
    )
    .reduce((sum, bytes) => sum + bytes, 0);

export const hugeBytesFree = (): number =>
  freeHugeBytes(orAbsent(() => readFileSync('/proc/buddyinfo', 'utf8')) ?? '');

/** The process and all its descendants; children are looked up for every thread, since any of them may have forked. */
export function processTree(root: HostPid): readonly HostPid[] {
  const found: HostPid[] = [root];
  for (let i = 0; i < found.length; i++) found.push(...children(found[i] as HostPid));
  return found;
}

export const children = (pid: HostPid): readonly HostPid[] =>
  (orAbsent(() => readdirSync(`/proc/${pid}/task`)) ?? []).flatMap((tid) =>
    (orAbsent(() => readFileSync(`/proc/${pid}/task/${tid}/children`, 'utf8')) ?? '')
      .split(' ')
      .filter(Boolean)
      .map(hostPid),
  );

export const link = (path: string): string | undefined => orAbsent(() => readlinkSync(path));

export const inode = (path: string): number | undefined => orAbsent(() => statSync(path))?.ino;

/** Those that CRIU takes from the root, besides mounts and cgroups: one of its own is another thing to a restore. */
export const NAMESPACES = ['pid', 'user', 'net', 'uts', 'ipc', 'time'] as const;
export type Namespaces = Readonly<Record<(typeof NAMESPACES)[number], number>>;

/** Inodes; 0 where a namespace cannot be read or the kernel has none of that kind. */
export function namespaces(pid: HostPid): Namespaces {
  const of = (name: string) => inode(`/proc/${pid}/ns/${name}`) ?? 0;
  return {
    pid: of('pid'),
    user: of('user'),
    net: of('net'),
    uts: of('uts'),
    ipc: of('ipc'),
    time: of('time'),
  };
}

/** linux/magic.h */
const MQUEUE_MAGIC = 0x19800202;

/** A POSIX message queue shows as a file in the root folder, where none of that name need be. */
export const hasMessageQueue = (pid: HostPid): boolean =>
  (orAbsent(() => readdirSync(`/proc/${pid}/fd`)) ?? []).some((fd) => {
    const path = `/proc/${pid}/fd/${fd}`;
    return /^\/[^/]+$/.test(link(path) ?? '') && orAbsent(() => statfsSync(path).type) === MQUEUE_MAGIC;
  });

/** Targets of all open descriptors, the working directory and the mapped files of a process. */
export function openPaths(pid: HostPid): readonly string[] {
  const fds = orAbsent(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  const links = [...fds.map((fd) => link(`/proc/${pid}/fd/${fd}`)), link(`/proc/${pid}/cwd`)];
  const maps = orAbsent(() => readFileSync(`/proc/${pid}/maps`, 'utf8')) ?? '';
  const mapped = maps.split('\n').map((line) => line.split(/\s+/).slice(5).join(' '));
  return [...new Set([...links, ...mapped])].filter(
    (path): path is string => path !== undefined && path !== '',
  );
}

export interface CgroupLine {
  /** "" = unified hierarchy; else the v1 controllers, or "name=systemd". */
  readonly controllers: string;
  readonly path: string;
}

export const cgroups = (pid: number): readonly CgroupLine[] =>
  (orAbsent(() => readFileSync(`/proc/${pid}/cgroup`, 'utf8')) ?? '')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [, controllers = '', ...path] = line.split(':');
      return { controllers, path: path.join(':') };
    });

export const commandLine = (pid: number): readonly string[] =>
  (orAbsent(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '')
    .split('\0')
    .filter((_, i, all) => i < all.length - 1);

/** /proc/meminfo, in bytes. */
export function memInfo(text: string): { readonly total: number; readonly available: number } {
  const bytes = (field: string) =>
    parseInt(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? '0', 10) * 1024;
  return { total: bytes('MemTotal'), available: bytes('MemAvailable') };
}
