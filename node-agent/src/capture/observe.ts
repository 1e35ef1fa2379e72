/** Everything about a container that the decision to capture it, and the dump, need to know. Nothing is touched. */
import { readFileSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { existsSync } from 'node:fs';
import { upperDir, externalMounts, parseMountinfo } from '../linux/mountinfo';
import type { CaptureRequest, MountedVolume } from '../engine';
import { resolvedBelow } from '../files/walk';
import type { EngineConfig } from '../config';
import type { ContainerCgroups } from '../linux/cgroup';
import { containerCgroups, isFrozen, memoryRoom } from '../linux/cgroup';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Cpu } from '../linux/cpu';
import { cpu } from '../linux/cpu';
import type { HostPid, ProcessRef } from '../linux/ids';
import { availableMemory } from '../linux/meminfo';
import type { Namespaces } from '../linux/proc';
import {
  hasMessageQueue,
  inode,
  link,
  namespaces,
  openPaths,
  processRef,
  processTree,
  status,
} from '../linux/proc';
import { locksLostByMapping } from '../linux/tree';
import type { GpuSeen } from '../gpu/observe';
import type { ContainerFacts } from '../runtime/facts';
import { volumesOf } from '../runtime/facts';
import { workloadRoot } from '../runtime/workload';

export interface SeenProcess {
  readonly ref: ProcessRef;
  readonly name: string;
  readonly state: string;
  readonly tracerPid: number;
  readonly rssBytes: number;
  readonly namespaces: Namespaces;
  readonly hasMessageQueue: boolean;
  readonly openPaths: readonly string[];
  /** Files with a POSIX lock that CRIU would lose. */
  readonly lostLocks: readonly string[];
}

export interface Seen {
  readonly facts: ContainerFacts;
  readonly root: ProcessRef;
  readonly processes: readonly SeenProcess[];
  readonly groups: ContainerCgroups;
  readonly frozen: boolean;
  readonly upperDir: string | undefined;
  readonly mountPoints: readonly string[];
  readonly externalMounts: readonly string[];
  /** Their mount paths are those of mountinfo: links in them are resolved. */
  readonly volumes: readonly MountedVolume[];
  readonly netInode: number;
  readonly stdio: readonly [string, string, string];
  readonly tty?: string;
  readonly hasSysvShm: boolean;
  readonly freeBytes: number;
  /** Of the node. */
  readonly availableMemoryBytes?: number;
  readonly cpu: Cpu;
  /** Whether the root is first in its pid namespace. */
  readonly isInit: boolean;
  /** What the memory limit leaves; absent = no limit. */
  readonly limitFreeBytes?: number;
  /** Absent = it has nothing of a GPU open. */
  readonly gpu?: GpuSeen;
}

export function observe(request: CaptureRequest, facts: ContainerFacts, config: EngineConfig): Seen {
  const root = processRef(workloadRoot(facts.pid));
  if (root === undefined)
    throw new TerminalError('ContainerGone', 'its process ended while it was looked at');
  const mounts = mountsOf(root.pid);
  const groups = containerCgroups(config.cgroupRoot, root.pid, facts.id);
  const upper = upperDir(mounts);
  const limitFree = memoryRoom(groups);
  const tty = terminal(root.pid);
  const available = availableMemory();
  const processes = processTree(root.pid).flatMap(look);
  return {
    facts,
    root,
    processes,
    groups,
    frozen: isFrozen(groups.freezer),
    upperDir: upper === undefined ? undefined : config.hostRoot + upper,
    // A restored tree has its own mounts; standby's lie in the container's namespace, and leave their stubs in the same files.
    mountPoints: [...mounts, ...mountsOf(facts.pid)].map((m) => m.mountPoint),
    externalMounts: externalMounts(mounts),
    volumes: (request.pod?.volumes ?? volumesOf(facts)).map((volume) => ({
      ...volume,
      mountPath: resolvedBelow(`/proc/${root.pid}/root`, volume.mountPath),
    })),
    netInode: inode(`/proc/${root.pid}/ns/net`) ?? 0,
    stdio: [0, 1, 2].map((fd) => link(`/proc/${root.pid}/fd/${fd}`) ?? '') as [string, string, string],
    ...(tty === undefined ? {} : { tty }),
    hasSysvShm: processes.some((p) => p.openPaths.some((path) => /^\/SYSV[0-9a-f]{8}/.test(path))),
    freeBytes: freeBytes(request.stagingDir),
    ...(available === undefined ? {} : { availableMemoryBytes: available }),
    cpu: cpu(),
    isInit: status(root.pid)?.nsPids.at(-1) === 1,
    ...(limitFree === undefined ? {} : { limitFreeBytes: limitFree }),
  };
}

const mountsOf = (pid: HostPid) => parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));

function look(pid: HostPid): SeenProcess[] {
  const seen = status(pid);
  const ref = processRef(pid);
  if (seen === undefined || ref === undefined) return [];
  return [
    {
      ref,
      name: seen.name,
      state: seen.state,
      tracerPid: seen.tracerPid,
      rssBytes: seen.rssBytes,
      namespaces: namespaces(pid),
      hasMessageQueue: hasMessageQueue(pid),
      openPaths: openPaths(pid),
      lostLocks: locksLostByMapping(pid),
    },
  ];
}

/** CRIU's key of a terminal: rdev and dev in hex (criu(8), --external tty). */
function terminal(pid: HostPid): string | undefined {
  if (!/^\/dev\/(pts\/\d+|console)$/.test(link(`/proc/${pid}/fd/0`) ?? '')) return undefined;
  const { rdev, dev } = statSync(`/proc/${pid}/fd/0`);
  return `${rdev.toString(16)}:${dev.toString(16)}`;
}

/** Of the file system that will hold the staging folder, which need not exist yet. */
function freeBytes(dir: string): number {
  let there = dir;
  while (!existsSync(there) && there !== '/') there = dirname(there);
  const { bavail, bsize } = statfsSync(there);
  return bavail * bsize;
}
