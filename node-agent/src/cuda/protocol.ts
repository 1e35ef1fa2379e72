/**
 * What the engine and its CUDA helper say to each other: one JSON object a line, answers carry the number of their call and may come
 * in any order. The helper is a child of its own, because a driver that crashes or hangs takes its process with it (docs/adr/0021).
 */
import type { Device } from '../gpu/device';

/** CUprocessState (cuda.h, CUDA 12.8), in the order of its numbers. */
export const processStates = ['running', 'locked', 'checkpointed', 'failed'] as const;
export type ProcessState = (typeof processStates)[number];

/** A GPU of the capture and the one that takes its place, as `GPU-<uuid>`. */
export interface GpuPair {
  readonly from: string;
  readonly to: string;
}

export type CudaCall =
  | { readonly call: 'state'; readonly pid: number }
  | { readonly call: 'restoreThread'; readonly pid: number }
  /** Waits until the work that was submitted is done; CUDA_ERROR_NOT_READY after the timeout, and the process runs on. */
  | { readonly call: 'lock'; readonly pid: number; readonly timeoutMs: number }
  | { readonly call: 'checkpoint'; readonly pid: number }
  | { readonly call: 'restore'; readonly pid: number; readonly gpuPairs: readonly GpuPair[] }
  | { readonly call: 'unlock'; readonly pid: number }
  /** Through NVML, not through CUDA: no context is made on any GPU. */
  | { readonly call: 'devices' };

/** Number of CUresult or nvmlReturn_t, 0 = success; what the call was for where it succeeded. */
export interface CudaAnswer {
  readonly rc: number;
  /** What the library says about a failure, where it says something. */
  readonly message?: string;
  readonly state?: ProcessState;
  readonly thread?: number;
  readonly devices?: readonly Device[];
  readonly driver?: string;
}

export type CallLine = CudaCall & { readonly id: number };
export type AnswerLine = CudaAnswer & { readonly id: number };

/** Whatever can make these calls: the helper's client, the library itself, NVIDIA's tool, a test. */
export type MakeCall = (call: CudaCall) => Promise<CudaAnswer>;

/** rc for what is not the driver's own answer: no such library, no such function. */
export const NO_DRIVER = -1;

export function stateOf(value: number): ProcessState {
  const state = processStates[value];
  if (state === undefined)
    throw new Error(`the CUDA driver reports process state ${value}, which is not known`);
  return state;
}
