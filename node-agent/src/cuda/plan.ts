/** Which processes hold CUDA state, what brings each of them back to work, and which GPU takes whose place; pure. */
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { CudaAnswer, CudaCall, GpuPair, ProcessState } from './protocol';

/** From here on NVIDIA's own system restores the processes of one worker side by side; nothing is known of older ones. */
const PARALLEL_SINCE = 580;
/** First driver that maps the GPUs of a capture to others. */
export const REMAP_SINCE = 580;
/** First driver that takes memory which processes share through CUDA IPC, as workers on several GPUs do. */
export const SHARED_MEMORY_SINCE = 610;

/** Up to here no driver takes managed memory (580: CUDA_ERROR_NOT_SUPPORTED); nothing is known of newer ones, which say so themselves. */
export const NO_MANAGED_MEMORY_UNTIL = 580;

/** 580 of 580.159.04; 0 where nothing is known. */
export const driverMajor = (version: string): number => Number(/^\d+/.exec(version)?.[0] ?? 0);

/** A process that has the driver's library or a GPU device open may hold CUDA state; only the driver knows. */
export const mayHoldCuda = (openPaths: readonly string[]): boolean =>
  openPaths.some((path) => /^\/dev\/nvidia/.test(path) || /\/libcuda\.so(\.|$)/.test(path));

/** A process without CUDA state answers CUDA_ERROR_NOT_INITIALIZED (3), e.g. Python's resource tracker beside a server. */
export const holdsCuda = ({ rc, state }: CudaAnswer): boolean => rc === 0 && state !== undefined;

/** Groups whose members may be worked on at once; the groups come one after the other. */
export const waves = <T>(members: readonly T[], driver: string): readonly (readonly T[])[] =>
  driverMajor(driver) >= PARALLEL_SINCE ? [members].filter((w) => w.length > 0) : members.map((m) => [m]);

export type Next =
  { readonly do: 'done' } | { readonly do: 'lost' } | { readonly do: 'call'; readonly call: CudaCall };

/** One step from where the driver says that a process is towards running. */
export function towardsRunning(state: ProcessState, pid: number, gpuPairs: readonly GpuPair[] = []): Next {
  switch (state) {
    case 'checkpointed':
      return { do: 'call', call: { call: 'restore', pid, gpuPairs } };
    case 'locked':
      return { do: 'call', call: { call: 'unlock', pid } };
    case 'running':
      return { do: 'done' };
    case 'failed':
      return { do: 'lost' };
  }
}

/**
 * A GPU that is on both sides stays itself; the others are paired in order. Nothing where all stay: the driver is then not asked to
 * map. Allocation order changes from pod to pod, so pairing by position alone would move memory for nothing.
 */
export function pairGpus(from: readonly string[], to: readonly string[]): readonly GpuPair[] {
  if (from.length > to.length)
    throw new TerminalError('GpuMismatch', `captured on ${from.length} GPUs, ${to.length} are here`);
  const free = to.filter((uuid) => !from.includes(uuid));
  const pairs = from.map((uuid) => ({ from: uuid, to: to.includes(uuid) ? uuid : (free.shift() ?? uuid) }));
  return pairs.every((p) => p.from === p.to) ? [] : pairs;
}
