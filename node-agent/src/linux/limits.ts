/** Resource limits of other processes (getrlimit(2), proc_pid_limits(5)). */
import { readFileSync } from 'node:fs';
import type { HostPid } from './ids';
import { credentials, orAbsent } from './proc';
import { prlimit, withRealIds } from './syscalls';

/** Soft and hard limit, each a number or "unlimited". */
export type Limit = readonly string[];
export type Limits = Readonly<Record<string, Limit>>;

/** In the order of their numbers (asm-generic/resource.h). */
const RESOURCES = [
  'cpu time',
  'file size',
  'data size',
  'stack size',
  'core file size',
  'resident set',
  'processes',
  'open files',
  'locked memory',
  'address space',
  'file locks',
  'pending signals',
  'msgqueue size',
  'nice priority',
  'realtime priority',
  'realtime timeout',
] as const;

/** Lines such as "Max open files            1024                 524288               files". */
export function parseLimits(text: string): Limits {
  const found: Record<string, Limit> = {};
  for (const name of RESOURCES) {
    const [, soft, hard] =
      new RegExp(`^Max ${name} +(\\d+|unlimited) +(\\d+|unlimited)\\b`, 'm').exec(text) ?? [];
    if (soft !== undefined && hard !== undefined) found[name] = [soft, hard];
  }
  return found;
}

export const limitsOf = (pid: HostPid): Limits =>
  parseLimits(orAbsent(() => readFileSync(`/proc/${pid}/limits`, 'utf8')) ?? '');

const UNLIMITED = 2n ** 64n - 1n;
const numberOf = (limit: string): bigint => (limit === 'unlimited' ? UNLIMITED : BigInt(limit));
const least = (a: string, b: string): string => (numberOf(a) < numberOf(b) ? a : b);

/** What can be had where a hard limit must not be raised. */
export function within([soft = '0', hard = '0']: Limit, [, ceiling = '0']: Limit): Limit {
  const most = least(hard, ceiling);
  return [least(soft, most), most];
}

/**
 * Gives a process the limits as far as the kernel lets us: without CAP_SYS_RESOURCE no hard limit goes up, and a process of
 * another user can be limited only by that user, whose real ids we take for the call (prlimit(2)). What could not be had shows in
 * `limitsOf` afterwards.
 */
export function copyLimits(pid: HostPid, wanted: Limits): void {
  const now = limitsOf(pid);
  const ids = credentials(pid);
  if (ids === undefined) return;
  withRealIds(ids.uid, ids.gid, () => {
    for (const [number, name] of RESOURCES.entries()) {
      const [want, have] = [wanted[name], now[name]];
      if (want === undefined || have === undefined || want.join() === have.join()) continue;
      if (!set(pid, number, want)) set(pid, number, within(want, have));
    }
  });
}

const set = (pid: HostPid, resource: number, [soft = '0', hard = '0']: Limit): boolean =>
  prlimit(pid, resource, numberOf(soft), numberOf(hard));

/** One line for each limit that differs. */
export const limitDifferences = (wanted: Limits, found: Limits): readonly string[] =>
  Object.entries(wanted)
    .filter(([name, limit]) => found[name]?.join() !== limit.join())
    .map(
      ([name, limit]) => `limit of ${name} is ${found[name]?.join(':') ?? 'unknown'}, not ${limit.join(':')}`,
    );
