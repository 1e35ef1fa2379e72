/** CUresult for people; numbers from cuda.h. */
import type { CudaAnswer, CudaCall } from './protocol';

export const CUDA_SUCCESS = 0;
/** A lock that ran into its timeout. */
export const CUDA_ERROR_NOT_READY = 600;

const MEANING: Readonly<Record<number, string>> = {
  1: 'invalid value',
  2: 'out of memory',
  3: 'not initialised: the process has no CUDA state',
  4: 'the process is ending its CUDA state',
  46: 'the devices are in use or not available',
  100: 'no GPU is visible',
  101: 'invalid device',
  209: 'no kernel image for this GPU',
  304: 'an operating system call failed',
  400: 'invalid handle',
  401: 'the process is not in the state for this',
  500: 'not found: no such process, or a driver without this function',
  600: 'not ready: its GPU work did not end within the time limit',
  700: 'an illegal address was accessed',
  800: 'not permitted',
  801: 'not supported by this driver (managed memory, MIG, MPS and memory shared between processes are not)',
  802: 'the system is not ready',
  803: 'driver and library differ in version',
  804: 'not supported on this GPU',
  999: 'an unknown error of the driver',
};

const FUNCTION: Readonly<Record<CudaCall['call'], string>> = {
  state: 'cuCheckpointProcessGetState',
  restoreThread: 'cuCheckpointProcessGetRestoreThreadId',
  lock: 'cuCheckpointProcessLock',
  checkpoint: 'cuCheckpointProcessCheckpoint',
  restore: 'cuCheckpointProcessRestore',
  unlock: 'cuCheckpointProcessUnlock',
  devices: 'NVML',
};

/** e.g. `cuCheckpointProcessLock of process 71: error 600, not ready: …` */
export function failureOf(call: CudaCall, { rc, message }: CudaAnswer): string {
  const of = 'pid' in call ? ` of process ${call.pid}` : '';
  const meaning = message ?? MEANING[rc];
  return `${FUNCTION[call.call]}${of}: error ${rc}${meaning === undefined ? '' : `, ${meaning}`}`;
}
