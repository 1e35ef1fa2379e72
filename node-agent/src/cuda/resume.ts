/**
 * Brings processes back to work, from whatever state their CUDA is in, and believes only the state that the driver reports afterwards.
 * The one way back for a capture that went well, failed, was cancelled or died: it may be repeated, and asks before each step.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import type { ProcessRef } from '../linux/ids';
import { isAlive } from '../linux/proc';
import type { Cuda } from './client';
import { towardsRunning, waves } from './plan';
import type { ProcessState } from './protocol';
import { CUDA_SUCCESS, failureOf } from './result';

/** The driver tells nothing when a call of a lost helper ends; its state is asked for at this interval. */
const ASK_AGAIN_MS = 100;
const STATE_DEADLINE_MS = 10_000;

export interface Resumed {
  readonly processes: readonly ProcessRef[];
  /** Empty where it is not known. */
  readonly driver: string;
}

export interface Patience {
  /** Epoch milliseconds until which it is tried. */
  readonly until: number;
}

/**
 * All are restored before any is unlocked, so that none meets a peer that cannot answer; side by side where the driver is known to take that.
 * Throws CudaStuck with each that does not run.
 */
export async function resumeAll(
  cuda: Cuda,
  { processes, driver }: Resumed,
  patience: Patience,
): Promise<void> {
  const goals: readonly (readonly ProcessState[])[] = [['locked', 'running'], ['running']];
  let faults: string[] = [];
  for (const goal of goals) {
    faults = [];
    for (const wave of waves(processes, driver)) {
      const ended = await Promise.allSettled(wave.map((ref) => bring(cuda, ref, goal, patience)));
      faults.push(...ended.flatMap((e) => (e.status === 'rejected' ? [explain(e.reason)] : [])));
    }
  }
  if (faults.length > 0) throw new TerminalError('CudaStuck', faults.join('; '));
}

async function bring(
  cuda: Cuda,
  ref: ProcessRef,
  goal: readonly ProcessState[],
  { until }: Patience,
): Promise<void> {
  let fault = 'the driver was not asked';
  for (;;) {
    if (!isAlive(ref)) return;
    try {
      const state = await stateNow(cuda, ref.pid);
      if (goal.includes(state)) return;
      await step(cuda, ref.pid, state, until);
      continue;
    } catch (error) {
      if (error instanceof TerminalError && error.reason === 'CudaLost') throw error;
      fault = explain(error);
    }
    if (Date.now() >= until) throw new Error(`process ${ref.pid} does not run again: ${fault}`);
    await delay(ASK_AGAIN_MS);
  }
}

export async function stateNow(cuda: Cuda, pid: number): Promise<ProcessState> {
  const call = { call: 'state', pid } as const;
  const answer = await cuda.call(call, STATE_DEADLINE_MS);
  if (answer.rc !== CUDA_SUCCESS || answer.state === undefined) throw new Error(failureOf(call, answer));
  return answer.state;
}

async function step(cuda: Cuda, pid: number, state: ProcessState, until: number): Promise<void> {
  const next = towardsRunning(state, pid);
  if (next.do === 'done') return;
  if (next.do === 'lost')
    throw new TerminalError(
      'CudaLost',
      `the driver gave up the CUDA state of process ${pid}; it must be restarted`,
    );
  const answer = await cuda.call(next.call, Math.max(STATE_DEADLINE_MS, until - Date.now()));
  if (answer.rc !== CUDA_SUCCESS) throw new Error(failureOf(next.call, answer));
}
