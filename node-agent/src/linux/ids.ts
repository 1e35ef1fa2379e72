/**
 * Container ids, processes and cgroup paths as checked values. A root agent in the host's pid namespace has no second line of
 * defence: an empty id matches every cgroup, a vanished pid makes a path collapse to the root cgroup, a recycled pid is somebody else.
 */
import { TerminalError } from '@dynamo-snapshot/api/errors';

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** 64 lower-case hex digits, without the scheme of the runtime. */
export type ContainerId = Branded<string, 'ContainerId'>;

/** A pid of the host's namespace, > 1. */
export type HostPid = Branded<number, 'HostPid'>;

/** A process that cannot be mistaken for another one that got its number later. */
export interface ProcessRef {
  readonly pid: HostPid;
  /** Field 22 of /proc/PID/stat, clock ticks since boot. */
  readonly startTime: string;
}

/** Absolute path of a cgroup, relative to its hierarchy, whose last component names one container or one operation of ours. */
export type CgroupPath = Branded<string, 'CgroupPath'>;

const CONTAINER_ID = /^[0-9a-f]{64}$/;

/** Accepts `containerd://<id>` as pod status gives it, or the bare id. */
export function containerId(text: string): ContainerId {
  const id = text.replace(/^[a-z0-9-]+:\/\//, '');
  if (!CONTAINER_ID.test(id))
    throw new TerminalError('InvalidContainerId', `${JSON.stringify(text)} is not a container id`);
  return id as ContainerId;
}

export function hostPid(value: unknown): HostPid {
  const pid = typeof value === 'string' && /^[0-9]{1,10}$/.test(value) ? Number(value) : value;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1)
    throw new TerminalError('InvalidPid', `${JSON.stringify(value)} is not the pid of a container's process`);
  return pid as HostPid;
}

/** A cgroup of exactly one container: the last component must hold its id (cgroupfs: `<id>`; systemd: `cri-containerd-<id>.scope`). */
export function containerCgroup(path: string, id: ContainerId): CgroupPath {
  containerId(id);
  const last = path.split('/').pop() ?? '';
  const named = last === id || (last.endsWith(`-${id}.scope`) && /^[a-z-]+-[0-9a-f]{64}\.scope$/.test(last));
  if (!path.startsWith('/') || path.includes('/../') || !named)
    throw new TerminalError(
      'InvalidCgroup',
      `${JSON.stringify(path)} is not the cgroup of container ${id.slice(0, 12)}`,
    );
  return path as CgroupPath;
}
