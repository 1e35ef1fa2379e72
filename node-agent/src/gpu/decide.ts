/** Whether a tree's GPUs can be captured, and whether an artifact's can be restored here: every reason against it at once; pure. */
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import { driverMajor, NO_MANAGED_MEMORY_UNTIL, REMAP_SINCE, SHARED_MEMORY_SINCE } from '../cuda/plan';
import type { Device } from './device';
import type { GpuSeen } from './observe';

/** The driver's copy, and what it needs beside it. */
const HOST_MARGIN = 1.05;

export interface HostRoom {
  /** What the container's memory limit leaves; absent = no limit. */
  readonly limitFreeBytes?: number;
}

export function captureReasons(gpu: GpuSeen | undefined, room: HostRoom): readonly string[] {
  if (gpu === undefined) return [];
  if (gpu.fault !== undefined) return [`it has a GPU open, and the driver cannot be asked: ${gpu.fault}`];
  return [
    ...gpu.others.map(({ pid, name, why }) => `process ${pid} (${name}) has a GPU open without CUDA: ${why}`),
    ...holderReasons(gpu),
    ...deviceReasons(gpu),
    ...roomReasons(gpu, room),
  ];
}

const holderReasons = ({ holders, driver }: GpuSeen): readonly string[] =>
  holders.flatMap(({ ref, name, state, restoreThread, managedBytes }) => [
    ...(state === 'running'
      ? []
      : [`the CUDA state of process ${ref.pid} (${name}) is ${state}, not running`]),
    ...(restoreThread === undefined
      ? [`the driver names no restore thread of process ${ref.pid} (${name})`]
      : []),
    ...(managedBytes > 0 && driverMajor(driver) <= NO_MANAGED_MEMORY_UNTIL
      ? [
          `process ${ref.pid} (${name}) has ${humanBytes(managedBytes)} of managed memory (cuMemAllocManaged), which driver ${driver} cannot checkpoint`,
        ]
      : []),
  ]);

function deviceReasons({ driver, holders, gpus, foreign }: GpuSeen): readonly string[] {
  const many = gpus.length > 1 && holders.length > 1 && driverMajor(driver) < SHARED_MEMORY_SINCE;
  return [
    ...foreign.map(
      (id) => `its device ${id} is a part of a GPU or is not here; only whole GPUs can be captured`,
    ),
    ...gpus
      .filter((g) => g.mig)
      .map((g) => `GPU ${g.uuid} is partitioned (MIG); the driver cannot checkpoint that`),
    ...gpus
      .filter((g) => g.mps)
      .map((g) => `GPU ${g.uuid} is used through MPS; the driver cannot checkpoint that`),
    ...(holders.length > 0 && gpus.length === 0 ? ['which GPUs it uses cannot be told'] : []),
    ...(many
      ? [
          `${holders.length} processes on ${gpus.length} GPUs share memory, which driver ${driver} cannot checkpoint (${SHARED_MEMORY_SINCE} can)`,
        ]
      : []),
  ];
}

/** The driver copies into the process itself: without room there, the kernel ends the worker. */
function roomReasons({ usedBytes, hostFreeBytes }: GpuSeen, { limitFreeBytes }: HostRoom): readonly string[] {
  const needed = usedBytes * HOST_MARGIN;
  return [
    ...(needed <= hostFreeBytes
      ? []
      : [
          `its GPU memory needs ${humanBytes(needed)} of the node's memory, and ${humanBytes(hostFreeBytes)} are free`,
        ]),
    ...(limitFreeBytes === undefined || needed <= limitFreeBytes
      ? []
      : [
          `its GPU memory needs ${humanBytes(needed)} within its memory limit, which leaves ${humanBytes(limitFreeBytes)}`,
        ]),
  ];
}

export interface GpusHere {
  readonly driver: string;
  readonly devices: readonly Device[];
  readonly foreign: readonly string[];
  readonly fault?: string;
}

export type CudaPart = NonNullable<Manifest['cuda']>;

export function restoreReasons(
  cuda: CudaPart | undefined,
  here: GpusHere | undefined,
  skipCompatCheck: boolean,
): readonly string[] {
  if (cuda === undefined || here === undefined) return [];
  if (here.fault !== undefined)
    return [`it needs ${cuda.gpus.length} GPUs, and the driver cannot be asked: ${here.fault}`];
  const { driver, devices, foreign } = here;
  if (devices.length < cuda.gpus.length)
    return [
      `captured on ${cuda.gpus.length} GPUs, the container has ${devices.length}${foreign.length > 0 ? ` (and ${foreign.join(', ')})` : ''}`,
    ];
  return [
    ...pairs(cuda, devices).flatMap(({ from, to }) => pairReasons(from, to, skipCompatCheck)),
    ...(cuda.driver === driver || skipCompatCheck
      ? []
      : [`captured with driver ${cuda.driver}, this node has ${driver}`]),
    ...(driverMajor(driver) < REMAP_SINCE &&
    pairs(cuda, devices).some(({ from, to }) => from.uuid !== to.uuid)
      ? [`captured on another GPU, which driver ${driver} cannot take (${REMAP_SINCE} can)`]
      : []),
  ];
}

interface Pair {
  readonly from: CudaPart['gpus'][number];
  readonly to: Device;
}

/** As pairGpus pairs them. */
function pairs({ gpus }: CudaPart, devices: readonly Device[]): readonly Pair[] {
  const free = devices.filter((d) => !gpus.some((g) => g.uuid === d.uuid));
  return gpus.flatMap((from) => {
    const to = devices.find((d) => d.uuid === from.uuid) ?? free.shift();
    return to === undefined ? [] : [{ from, to }];
  });
}

function pairReasons(from: Pair['from'], to: Device, skipCompatCheck: boolean): readonly string[] {
  return [
    ...(from.model === to.model || skipCompatCheck
      ? []
      : [`captured on ${from.model}, GPU ${to.uuid} is ${to.model}`]),
    ...(to.mig ? [`GPU ${to.uuid} is partitioned (MIG); the driver cannot restore onto that`] : []),
    ...(from.usedBytes <= to.freeBytes
      ? []
      : [
          `needs ${humanBytes(from.usedBytes)} of GPU memory, GPU ${to.uuid} has ${humanBytes(to.freeBytes)} free`,
        ]),
  ];
}
