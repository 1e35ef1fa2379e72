/**
 * The driver's checkpoint functions (CUDA 12.8, driver 570) through koffi. A wrong signature or a driver in trouble is a crash, not an
 * exception: this is loaded in the helper only. None of the calls needs cuInit, a context or a device node in the caller.
 */
import koffi from 'koffi';
import type { LibraryHandle } from 'koffi';
import { explain } from '@dynamo-snapshot/api/errors';
import type { CudaAnswer, CudaCall, GpuPair, MakeCall } from './protocol';
import { NO_DRIVER, stateOf } from './protocol';

/** CUcheckpointLockArgs, …CheckpointArgs, …RestoreArgs and …UnlockArgs are 64 bytes each, zeroed where reserved (cuda.h). */
const ARGS_BYTES = 64;
const UUID_BYTES = 16;

const signatures = {
  state: 'int cuCheckpointProcessGetState(int pid, _Out_ int *state)',
  restoreThread: 'int cuCheckpointProcessGetRestoreThreadId(int pid, _Out_ int *tid)',
  lock: 'int cuCheckpointProcessLock(int pid, void *args)',
  checkpoint: 'int cuCheckpointProcessCheckpoint(int pid, void *args)',
  restore: 'int cuCheckpointProcessRestore(int pid, void *args)',
  unlock: 'int cuCheckpointProcessUnlock(int pid, void *args)',
} as const;

type Native = ReturnType<LibraryHandle['func']>;
type Functions = Readonly<Record<keyof typeof signatures, Native>>;

/** Throws where the library is absent or too old; the message says which. */
export function libcudaCalls(library: string): MakeCall {
  const functions = load(library);
  return (call) => {
    if (call.call === 'devices')
      return Promise.resolve({ rc: NO_DRIVER, message: 'libcuda lists no devices' });
    return make(functions, call);
  };
}

function load(library: string): Functions {
  try {
    const lib = koffi.load(library);
    const entries = Object.entries(signatures).map(([name, signature]) => [name, lib.func(signature)]);
    return Object.fromEntries(entries) as Functions;
  } catch (cause) {
    throw new Error(`${library} has no checkpoint functions (driver 570 or newer has): ${explain(cause)}`, {
      cause,
    });
  }
}

async function make(functions: Functions, call: Exclude<CudaCall, { call: 'devices' }>): Promise<CudaAnswer> {
  const { pid } = call;
  const run = (...args: unknown[]) => onThread(functions[call.call], [pid, ...args]);
  switch (call.call) {
    case 'state': {
      const out = [0];
      const rc = await run(out);
      return rc === 0 ? { rc, state: stateOf(out[0] ?? -1) } : { rc };
    }
    case 'restoreThread': {
      const out = [0];
      const rc = await run(out);
      return rc === 0 ? { rc, thread: out[0] ?? 0 } : { rc };
    }
    case 'lock':
      return { rc: await run(lockArgs(call.timeoutMs)) };
    case 'restore':
      return { rc: await run(restoreArgs(call.gpuPairs)) };
    case 'checkpoint':
    case 'unlock':
      return { rc: await run(Buffer.alloc(ARGS_BYTES)) };
  }
}

/** On a thread of libuv's pool, so that several calls run side by side and the helper still hears its parent. */
const onThread = (native: Native, args: readonly unknown[]): Promise<number> =>
  new Promise((resolve, reject) =>
    native.async(...args, (error: unknown, rc: number) =>
      error === null || error === undefined ? resolve(rc) : reject(error as Error),
    ),
  );

/** { unsigned int timeoutMs; … } */
function lockArgs(timeoutMs: number): Buffer {
  const args = Buffer.alloc(ARGS_BYTES);
  args.writeUInt32LE(timeoutMs);
  return args;
}

/**
 * { CUcheckpointGpuPair *gpuPairs; unsigned int gpuPairsCount; … }; gpuPairs came with CUDA 13 (driver 580). The pairs, { CUuuid oldUuid;
 * CUuuid newUuid; } each, lie behind the arguments in the same memory, which lives until the call is back.
 */
function restoreArgs(pairs: readonly GpuPair[]): Buffer {
  const uuids = pairs.flatMap(({ from, to }) => [uuidBytes(from), uuidBytes(to)]);
  const args = Buffer.concat([Buffer.alloc(ARGS_BYTES), ...uuids]);
  if (pairs.length === 0) return args;
  args.writeBigUInt64LE(koffi.address(args) + BigInt(ARGS_BYTES));
  args.writeUInt32LE(pairs.length, 8);
  return args;
}

function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replace(/^GPU-/, '').replaceAll('-', ''), 'hex');
  if (bytes.length !== UUID_BYTES) throw new Error(`${JSON.stringify(uuid)} is not the UUID of a GPU`);
  return bytes;
}
