/** Everything about a placeholder and its node that the decision to restore into it needs to know. Nothing is touched. */
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { arch, release } from 'node:os';
import { dirname, join } from 'node:path';
import { standbyComm } from '@dynamo-snapshot/api/control';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { ContainerCgroups } from '../linux/cgroup';
import { cpu } from '../linux/cpu';
import type { ProcessRef } from '../linux/ids';
import { availableMemory } from '../linux/meminfo';
import { parseMountinfo } from '../linux/mountinfo';
import { orAbsent, status } from '../linux/proc';
import type { ContainerFacts } from '../runtime/facts';
import type { Place } from './decide';

export function observePlace(
  { volumes }: Manifest,
  facts: ContainerFacts,
  { pid }: ProcessRef,
  { dirs }: ContainerCgroups,
): Place {
  const mounts = parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
  const memoryLimitBytes = memoryLimit(dirs);
  const freePids = leftPids(dirs);
  const availableMemoryBytes = availableMemory();
  return {
    architecture: arch(),
    kernel: release(),
    cpuFeatures: cpu().features,
    imageDigest: facts.imageDigest,
    mountPoints: mounts.map((m) => m.mountPoint),
    freeBytes: new Map(['/', ...volumes.map((v) => v.mountPath)].map((path) => [path, freeBytes(pid, path)])),
    processName: status(pid)?.name ?? '',
    waitingName: standbyComm.claimed,
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    ...(availableMemoryBytes === undefined ? {} : { availableMemoryBytes }),
    ...(freePids === undefined ? {} : { freePids }),
  };
}

const numberIn = (file: string): number =>
  existsSync(file) ? Number(readFileSync(file, 'utf8').trim()) : Number.NaN;

/** A v1 group without a limit shows a number near 2^63, a v2 one "max". */
function memoryLimit(dirs: readonly string[]): number | undefined {
  const limits = dirs
    .flatMap((dir) => [join(dir, 'memory.max'), join(dir, 'memory.limit_in_bytes')])
    .map(numberIn)
    .filter((bytes) => Number.isFinite(bytes) && bytes < 2 ** 60);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** Of the container and of its pod, where the kubelet sets the limit. */
function leftPids(dirs: readonly string[]): number | undefined {
  const left = dirs
    .flatMap((dir) => [dir, dirname(dir)])
    .map((dir) => numberIn(join(dir, 'pids.max')) - numberIn(join(dir, 'pids.current')))
    .filter(Number.isFinite);
  return left.length === 0 ? undefined : Math.min(...left);
}

/** Only a number is taken from there, so a link on the way does no harm. */
function freeBytes(pid: number, path: string): number {
  const stats = orAbsent(() => statfsSync(`/proc/${pid}/root${path}`));
  return stats === undefined ? 0 : stats.bavail * stats.bsize;
}
