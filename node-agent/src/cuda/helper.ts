/**
 * The helper: makes the calls that its parent writes to stdin, a line each, and writes the answers to stdout. When the parent is gone,
 * calls that are under way are waited for (a driver that is left alone in the middle of one is worse than a late one), then it ends.
 */
import { createInterface } from 'node:readline';
import { explain } from '@dynamo-snapshot/api/errors';
import type { EngineConfig } from '../config';
import { nvmlDevices } from '../gpu/nvml';
import { smiDevices } from '../gpu/smi';
import { libcudaCalls } from './driver';
import type { AnswerLine, CallLine, CudaAnswer, MakeCall } from './protocol';
import { NO_DRIVER } from './protocol';
import { toolCalls } from './tool';

export async function serveCalls(
  make: MakeCall,
  input: NodeJS.ReadableStream,
  write: (line: string) => void,
): Promise<void> {
  const running = new Set<Promise<void>>();
  for await (const line of createInterface({ input })) {
    const call = JSON.parse(line) as CallLine;
    const work = answer(make, call).then((said) => write(`${JSON.stringify(said)}\n`));
    running.add(work);
    void work.finally(() => running.delete(work));
  }
  await Promise.allSettled(running);
}

async function answer(make: MakeCall, { id, ...call }: CallLine): Promise<AnswerLine> {
  try {
    return { id, ...(await make(call)) };
  } catch (error) {
    return { id, rc: NO_DRIVER, message: explain(error) };
  }
}

/** The driver is loaded at the first call that needs it: a node without one answers in words, and its devices can still be asked for. */
export function nodeCalls(gpu: EngineConfig['gpu']): MakeCall {
  let driver: MakeCall | undefined;
  return async (call) => {
    if (call.call === 'devices') return devices(gpu);
    driver ??= gpu.cudaCheckpoint === '' ? libcudaCalls(gpu.libcuda) : toolCalls(gpu.cudaCheckpoint);
    return driver(call);
  };
}

async function devices(gpu: EngineConfig['gpu']): Promise<CudaAnswer> {
  try {
    return { rc: 0, ...nvmlDevices(gpu.nvml) };
  } catch (nvml) {
    try {
      return { rc: 0, ...(await smiDevices(gpu.nvidiaSmi)) };
    } catch (smi) {
      return { rc: NO_DRIVER, message: `${explain(nvml)}; ${explain(smi)}` };
    }
  }
}

/** Main of `engine cuda`. Node would wait at its exit for a thread that hangs in the driver, so the helper ends itself the hard way. */
export async function cudaHelper(gpu: EngineConfig['gpu']): Promise<never> {
  // A parent that died leaves a closed pipe: what the calls have done counts, not whom it is told.
  process.stdout.on('error', () => {});
  await serveCalls(nodeCalls(gpu), process.stdin, (line) => process.stdout.write(line));
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}
