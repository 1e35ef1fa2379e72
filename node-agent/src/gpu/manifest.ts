/** The GPU part of a capture: what is stopped for it, and what the manifest says of it. */
import type { GpuFacts } from '@dynamo-snapshot/api/manifest';
import type { MappedArea } from '../cuda/areas';
import { unmapped } from '../cuda/areas';
import type { CudaTree } from '../cuda/stop';
import type { DriverArea } from '../gate/plan';
import { status } from '../linux/proc';
import type { CudaPart } from './decide';
import type { GpuSeen } from './observe';

export const cudaTree = (gpu: GpuSeen | undefined): CudaTree => ({
  processes: gpu?.holders.map((h) => h.ref) ?? [],
  bytes: gpu?.usedBytes ?? 0,
  driver: gpu?.driver ?? '',
});

/** For people and for the facts of the source. */
export function gpuFacts(seen: GpuSeen | undefined): { gpu?: GpuFacts } {
  const [first] = seen?.gpus ?? [];
  if (seen === undefined || first === undefined) return {};
  return { gpu: { model: first.model, count: seen.gpus.length, driver: seen.driver } };
}

/** Of processes that run again. */
export const driverAreas = (areas: readonly MappedArea[]): readonly DriverArea[] =>
  unmapped(areas).flatMap(({ pid, start, end }) => {
    const inner = status(pid)?.nsPids.at(-1);
    return inner === undefined ? [] : [{ pid: inner, start, end }];
  });

/** While the processes live: their pids in their own namespace are asked for. */
export function cudaPart(gpu: GpuSeen | undefined, areas: readonly DriverArea[]): { cuda?: CudaPart } {
  if (gpu === undefined || gpu.holders.length === 0) return {};
  const processes = gpu.holders.map(({ ref }) => status(ref.pid)?.nsPids.at(-1) ?? 0);
  const gpus = gpu.gpus.map(({ uuid, model, memoryBytes, usedBytes }) => ({
    uuid,
    model,
    memoryBytes,
    usedBytes,
  }));
  return { cuda: { driver: gpu.driver, processes, gpus, bytes: gpu.usedBytes, areas: [...areas] } };
}
