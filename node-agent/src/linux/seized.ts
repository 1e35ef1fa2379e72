/** Whether a tree is in the hands of a tracer, and which: from then on none of its own code runs until that lets it go. */
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { standsStill } from './cgroup';
import type { HostPid } from './ids';
import { orAbsent, processTree, status } from './proc';

/**
 * The tracer of every thread, where it is one and the same and all of them have stopped: for it (`t`, proc_pid_stat(5)), or in a frozen
 * cgroup. Undefined otherwise.
 */
export function tracerOf(root: HostPid, freezer: string): number | undefined {
  const tracer = status(root)?.tracerPid ?? 0;
  if (tracer === 0) return undefined;
  const frozen = standsStill(freezer);
  for (const pid of processTree(root))
    for (const tid of threads(pid)) {
      const thread = status(tid);
      if (thread === undefined || thread.state === 'Z') continue;
      if (thread.tracerPid !== tracer || !(frozen || thread.state === 't')) return undefined;
    }
  return tracer;
}

/** Every thread is traced by it, whatever it does for the tracer meanwhile. */
export const isStillTraced = (root: HostPid, tracer: number): boolean =>
  processTree(root)
    .flatMap(threads)
    .every((tid) => {
      const thread = status(tid);
      return thread === undefined || thread.state === 'Z' || thread.tracerPid === tracer;
    });

/** A thread has a folder of its own below /proc, which is only not listed there. */
const threads = (pid: HostPid): readonly number[] =>
  (orAbsent(() => readdirSync(`/proc/${pid}/task`)) ?? []).map(Number);

const LOOK_EVERY_MS = 2;

/** Resolves with the tracer as soon as it has the whole tree; undefined when the signal says that it does not matter any more. */
export async function whenSeized(
  root: HostPid,
  freezer: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  while (!signal.aborted) {
    const tracer = tracerOf(root, freezer);
    if (tracer !== undefined) return tracer;
    await delay(LOOK_EVERY_MS);
  }
  return undefined;
}
