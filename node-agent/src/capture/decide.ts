/** Whether a container may be captured: every reason against it at once, before anything is touched; pure. */
import { humanBytes, humanSeconds } from '@dynamo-snapshot/api/quantity';
import { estimatedDriverSeconds } from '../cuda/limits';
import type { PodFacts } from '../engine';
import { captureReasons } from '../gpu/decide';
import { NAMESPACES } from '../linux/proc';
import type { Seen, SeenProcess } from './observe';

/** Measured on 2 cores (docs/criu.md): CRIU's fixed part, and its rate while the tree stands still. */
const FREEZE_FIXED_SECONDS = 0.3;
const FREEZE_BYTES_PER_SECOND = 1e9;
/** Part of the liveness budget that a capture may use up: the kubelet may be in the middle of a period. */
const BUDGET_SHARE = 0.7;
const SPACE_MARGIN = 1.1;
const SPACE_FIXED_BYTES = 64 << 20;

const UNSUPPORTED_FDS: readonly (readonly [RegExp, string])[] = [
  [
    /^anon_inode:\[io_uring\]/,
    'an io_uring, which cannot be captured: start the pod anew with the annotation nvidia.com/snapshot-backend, which denies it (docs/engines)',
  ],
  [/^anon_inode:\[userfaultfd\]/, 'a userfaultfd'],
  [/^anon_inode:bpf/, 'a BPF object'],
  [/^anon_inode:\[perf_event\]/, 'a perf event'],
  [/^anon_inode:\[?kvm/, 'a virtual machine'],
  [/^anon_inode:seccomp notify/, 'a seccomp listener'],
  [/^\/dev\/(infiniband|vfio|dri)\//, 'a device that keeps state of its own'],
  [/^\/dev\/(fuse|kfd)$/, 'a device that keeps state of its own'],
];

/** What the tree will have when it is dumped: the driver copies GPU memory into it. */
export const memoryBytes = (seen: Seen): number =>
  seen.processes.reduce((sum, p) => sum + p.rssBytes, seen.gpu?.usedBytes ?? 0);

export const estimatedFreezeSeconds = (bytes: number): number =>
  FREEZE_FIXED_SECONDS + bytes / FREEZE_BYTES_PER_SECOND;

export const reasonsAgainst = (seen: Seen, pod: PodFacts | undefined): readonly string[] => [
  ...containerReasons(seen),
  ...seen.processes.flatMap((p) => processReasons(p, seen)),
  ...projectedReasons(seen),
  ...volumeReasons(seen),
  ...budgetReasons(seen, pod),
  ...spaceReasons(seen),
  ...memoryReasons(seen),
  ...captureReasons(seen.gpu, seen),
];

const containerReasons = (seen: Seen): readonly string[] => [
  ...(seen.frozen ? ['the container is frozen'] : []),
  ...(seen.upperDir === undefined ? ['its root file system is no overlay'] : []),
  ...(seen.netInode === 0 ? ['its network namespace cannot be read'] : []),
  ...(seen.isInit ? [] : ['it shares the process namespace of its pod (shareProcessNamespace)']),
];

function processReasons(p: SeenProcess, seen: Seen): readonly string[] {
  const who = `process ${p.ref.pid} (${p.name})`;
  const root = seen.processes[0] ?? p;
  const own = NAMESPACES.filter((name) => p.namespaces[name] !== root.namespaces[name]);
  return [
    ...(p.state === 'T' || p.state === 't' ? [`${who} is stopped`] : []),
    ...(p.tracerPid !== 0 ? [`${who} is traced by ${p.tracerPid}`] : []),
    ...(own.length > 0 ? [`${who} has a namespace of its own (${own.join(', ')})`] : []),
    ...(p.hasMessageQueue ? [`${who} has a POSIX message queue`] : []),
    ...UNSUPPORTED_FDS.filter(([pattern]) => p.openPaths.some((path) => pattern.test(path))).map(
      ([, what]) => `${who} has ${what}`,
    ),
    ...(seen.gpu === undefined && p.openPaths.some((path) => path.startsWith('/dev/nvidia'))
      ? [`${who} has a GPU open, of which nothing is known`]
      : []),
    ...p.lostLocks.map(
      (path) => `${who} holds a POSIX lock on ${path} and maps the same file: CRIU would lose the lock`,
    ),
  ];
}

/** The kubelet's atomic writer puts such files below a folder whose name is a time stamp: in another pod it has another name. */
const TIMESTAMPED = /\/\.\.\d{4}_\d\d_\d\d_/;

function projectedReasons(seen: Seen): readonly string[] {
  const mounts = seen.volumes.filter((v) => v.kind === 'projected').map((v) => v.mountPath);
  const isProjected = (path: string) =>
    TIMESTAMPED.test(path) || mounts.some((m) => path === m || path.startsWith(`${m}/`));
  return seen.processes.flatMap((p) =>
    p.openPaths
      .filter(isProjected)
      .map(
        (path) =>
          `process ${p.ref.pid} (${p.name}) keeps ${path} open, which has another name in another pod`,
      ),
  );
}

/** The content of an emptyDir is carried; it must be the volume that is read, not a folder in its place. */
const volumeReasons = (seen: Seen): readonly string[] =>
  seen.volumes
    .filter((v) => v.kind === 'emptyDir' && !seen.mountPoints.includes(v.mountPath))
    .map((v) => `nothing is mounted at ${v.mountPath}, where volume ${v.name} should be`);

function budgetReasons(seen: Seen, pod: PodFacts | undefined): readonly string[] {
  const budget = pod?.livenessBudgetSeconds;
  const estimate =
    estimatedFreezeSeconds(memoryBytes(seen)) + estimatedDriverSeconds(seen.gpu?.usedBytes ?? 0);
  if (budget === undefined || estimate <= budget * BUDGET_SHARE) return [];
  const [needs, has] = [estimate, budget].map(humanSeconds);
  return [
    `standing still for about ${needs} would use up the ${has} after which the kubelet restarts it; relax its livenessProbe`,
  ];
}

/** For CRIU, the packing of files and the engine itself, which run outside of the agent's own limit. */
const WORKING_BYTES = 256 << 20;

const memoryReasons = ({ availableMemoryBytes = Infinity }: Seen): readonly string[] =>
  availableMemoryBytes >= WORKING_BYTES
    ? []
    : [
        `the node has ${humanBytes(availableMemoryBytes)} of memory, and ${humanBytes(WORKING_BYTES)} are needed`,
      ];

function spaceReasons(seen: Seen): readonly string[] {
  const needed = memoryBytes(seen) * SPACE_MARGIN + SPACE_FIXED_BYTES;
  if (seen.freeBytes >= needed) return [];
  return [`the store has ${humanBytes(seen.freeBytes)} free, and about ${humanBytes(needed)} are needed`];
}
