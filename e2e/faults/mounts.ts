/** Mounts that an operation has made and not taken back: in a node's own view, in that of an agent, or in a private one that somebody still holds. */
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readOr } from './node';

/**
 * A mount as it is compared (proc_pid_mountinfo(5)): what, where, and whether it may be written to. A second one in the same place is one
 * more.
 */
export const mountsIn = (mountinfo: string): readonly string[] =>
  mountinfo
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [left = '', right = ''] = line.split(' - ');
      const [, , , , point = '', options = ''] = left.split(' ');
      return `${right.split(' ')[0]} at ${point} (${options.split(',')[0]})`;
    });

/** What the kubelet, containerd and its network plugins mount for a pod comes and goes with it. */
export const isOfPods = (mount: string): boolean =>
  / at \/(?:var\/lib\/kubelet\/pods|run\/containerd|run\/netns)\//.test(mount);

/** What is there now and was not before, each as often as it is too many. */
export function added(before: readonly string[], now: readonly string[]): readonly string[] {
  const known = new Map<string, number>();
  for (const mount of before) known.set(mount, (known.get(mount) ?? 0) + 1);
  return now.filter((mount) => {
    const left = known.get(mount) ?? 0;
    known.set(mount, left - 1);
    return left <= 0;
  });
}

/** Where an operation attaches a placeholder's tree and lays an artifact out (node-agent: restore/namespace.ts), as it sees them. */
export const isOfOperation = (mount: string): boolean =>
  / at \/tmp\/(?:restore-root|verified)[/ ]/.test(mount);

/** The view that a process has; nothing once it is gone. */
export const viewOf = (pid: number, proc = '/proc'): readonly string[] =>
  mountsIn(readOr(join(proc, String(pid), 'mountinfo')));

/** Every view that one of the processes has, by one of those that have it. */
export function views(pids: readonly number[], proc = '/proc'): ReadonlyMap<number, readonly string[]> {
  const byNamespace = new Map(pids.map((pid) => [namespaceOf(pid, proc), pid]));
  byNamespace.delete(undefined);
  return new Map([...byNamespace.values()].map((pid) => [pid, viewOf(pid, proc)]));
}

const namespaceOf = (pid: number, proc: string): string | undefined => {
  try {
    return readlinkSync(join(proc, String(pid), 'ns/mnt'));
  } catch {
    return undefined; // it has just ended
  }
};
