/** What was seen of GPUs, and what an artifact says of them; without trouble, unless told. */
import type { CudaPart, GpusHere } from '../../src/gpu/decide';
import type { Device } from '../../src/gpu/device';
import type { GpuSeen, Holder, SeenGpu } from '../../src/gpu/observe';
import { hostPid } from '../../src/linux/ids';

export const GIB = 2 ** 30;

/** uuid(1), uuid(2)…: of different GPUs. */
export const uuid = (n: number): string => `GPU-${String(n).repeat(8)}-1111-2222-3333-444444444444`;

export const gpu = (more: Partial<SeenGpu> = {}): SeenGpu => ({
  uuid: uuid(1),
  model: 'NVIDIA H200',
  memoryBytes: 140 * GIB,
  freeBytes: 100 * GIB,
  usedBytes: 40 * GIB,
  mig: false,
  mps: false,
  ...more,
});

export const holder = (pid: number, more: Partial<Holder> = {}): Holder => ({
  ref: { pid: hostPid(pid), startTime: '1' },
  name: 'python',
  state: 'running',
  restoreThread: pid + 1,
  managedBytes: 0,
  ...more,
});

export const seen = (more: Partial<GpuSeen> = {}): GpuSeen => ({
  driver: '580.159.04',
  holders: [holder(71)],
  others: [],
  gpus: [gpu()],
  foreign: [],
  usedBytes: 40 * GIB,
  hostFreeBytes: 100 * GIB,
  ...more,
});

export const device = (more: Partial<Device> = {}): Device => ({
  index: 0,
  uuid: uuid(1),
  model: 'NVIDIA H200',
  minor: 0,
  memoryBytes: 140 * GIB,
  freeBytes: 140 * GIB,
  mig: false,
  processes: [],
  ...more,
});

export const here = (more: Partial<GpusHere> = {}): GpusHere => ({
  driver: '580.159.04',
  devices: [device()],
  foreign: [],
  ...more,
});

export const captured = (...uuids: string[]): CudaPart => ({
  driver: '580.159.04',
  processes: [1],
  gpus: uuids.map((id) => ({
    uuid: id,
    model: 'NVIDIA H200',
    memoryBytes: 140 * GIB,
    usedBytes: 40 * GIB,
  })),
  bytes: 40 * GIB * uuids.length,
});
