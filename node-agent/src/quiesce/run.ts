/**
 * Runs the hooks of a worker, in order. A worker that was brought to rest is woken up whatever comes of its capture, also by whoever
 * finds the journal of an engine that died (undo.ts): a hook may therefore be called more than once (docs/adr/0032).
 */
import type { Hook } from '@dynamo-snapshot/api/hooks';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import { reason } from '@dynamo-snapshot/api/names';
import type { ContainerId, ProcessRef } from '../linux/ids';
import { isAlive } from '../linux/proc';
import { Cri } from '../runtime/cri';
import { callHttp, inNetworkOf } from './http';
import type { ExecCall, HookCall } from './plan';
import { callOf, sentenceOf } from './plan';

/** All that is needed to call the hooks, as the journal keeps it. */
export interface HookTarget {
  readonly hooks: readonly Hook[];
  /** A process of the container. */
  readonly process: ProcessRef;
  readonly containerId: ContainerId;
  readonly criSocket: string;
  readonly podIp?: string;
}

/** Brings the worker to rest. Throws QuiesceFailed; the signal ends a hook that hangs. */
export const quiesce = (target: HookTarget, signal: AbortSignal): Promise<void> =>
  runHooks(target, reason.quiesceFailed, 'before the capture', signal);

/** Wakes it up. Throws WakeFailed. */
export const wake = (target: HookTarget, signal = new AbortController().signal): Promise<void> =>
  runHooks(target, reason.wakeFailed, 'that wakes the worker', signal);

async function runHooks(target: HookTarget, why: string, when: string, signal: AbortSignal): Promise<void> {
  for (const [i, hook] of target.hooks.entries()) {
    const call = callOf(hook);
    if (!isAlive(target.process)) throw new TerminalError('ContainerGone', `the worker ended before a hook`);
    const timeout = AbortSignal.timeout(call.timeoutMs);
    try {
      await dispatch(call, target, AbortSignal.any([signal, timeout]));
    } catch (error) {
      signal.throwIfAborted();
      const text = timeout.aborted ? `no end after ${call.timeoutMs / 1000} s` : explain(error);
      const which = `hook ${i + 1} of ${target.hooks.length} ${when}`;
      throw new TerminalError(why, `${which}, ${sentenceOf(call)}: ${text}`, { cause: error });
    }
  }
}

const dispatch = (call: HookCall, target: HookTarget, signal: AbortSignal): Promise<void> =>
  call.kind === 'exec'
    ? callExec(call, target, signal)
    : inNetworkOf(target.process.pid, () => callHttp(call, target.podIp, signal));

/** By the runtime, as `kubectl exec` does it: as the container's user, with its rights and limits, ended at its time. */
async function callExec(
  { command, timeoutMs }: ExecCall,
  { criSocket, containerId }: HookTarget,
  signal: AbortSignal,
): Promise<void> {
  const cri = new Cri(criSocket);
  const close = () => cri.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    const { exitCode, output } = await cri.exec(containerId, command, timeoutMs);
    if (exitCode !== 0) throw new Error(`exit ${exitCode}: ${output}`);
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}
