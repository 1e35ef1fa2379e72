/** Brings the source to rest before it is captured, and wakes it up as soon as it may go on. */
import type { CaptureRequest } from '../engine';
import type { EngineIo } from '../engine-io';
import type { HookTarget } from '../quiesce/run';
import { quiesce, wake } from '../quiesce/run';
import type { Seen } from './observe';

type When = 'before' | 'after';

function targetOf(request: CaptureRequest, seen: Seen, io: EngineIo, when: When): HookTarget | undefined {
  const { containerId, pod } = request;
  const hooks = request.hooks?.[when] ?? [];
  if (hooks.length === 0) return undefined;
  const { criSocket } = io.config;
  return { hooks, process: seen.root, containerId, criSocket, ...(pod?.ip ? { podIp: pod.ip } : {}) };
}

/** How it is woken is written down before it is asked to rest: whatever comes then, somebody wakes it. */
export async function toRest(request: CaptureRequest, seen: Seen, io: EngineIo): Promise<void> {
  const after = targetOf(request, seen, io, 'after');
  if (after !== undefined) io.willUndo({ do: 'wake', target: after });
  const before = targetOf(request, seen, io, 'before');
  if (before !== undefined) await io.steps.runToEnd('quiesce', () => quiesce(before, io.signal));
}

/** A source that is to leave is told so later; it has nothing to wake up for. */
export async function wakeUp(request: CaptureRequest, seen: Seen, io: EngineIo): Promise<void> {
  const after = targetOf(request, seen, io, 'after');
  if (after === undefined || request.afterCapture === 'Complete') return;
  await io.steps.runToEnd('wake', () => wake(after, io.signal));
}
