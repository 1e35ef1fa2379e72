/**
 * What to do about a pod that asks to be restored; pure and total. A placeholder is never left waiting in silence: it is restored, or
 * its agent ends its waiting, or, where there is no agent, standby does so by itself and this only says why.
 */
import { isFinal, isRetryable } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { checkpointDefaults } from '@dynamo-snapshot/api/checkpoint';
import { FAILED_EXIT_CODE } from '@dynamo-snapshot/api/control';
import { reason } from '@dynamo-snapshot/api/names';
import type { StandbyOrders } from '@dynamo-snapshot/api/standby';
import type { Instant } from '@dynamo-snapshot/api/time';
import type { ComingTarget } from '../assignment/build';
import type { RunningContainer } from '../assignment/container';
import type { Because, Given, Observed, Plan } from './plan';
import { refused, restored, unrestored, waits } from './say';

/** A worker that ended so often in one pod is not brought back by the same checkpoint once more. */
const MOST_RESTARTS = 5;
/** Between standby's own decision and ours to say so, for clocks and the kubelet's report. */
const MARGIN_MS = 3000;
/** How long standby waits for the next order after a failed attempt (the agent's RETRY_WITHIN_SECONDS, and as much for its start). */
const NEXT_ORDER_MS = 30_000;
/** An agent that has died lets its operation end by itself; after its deadline and this nothing is under way any more. */
const AGENT_LOST_MS = 60_000;

type Waiting = Observed & { readonly standby: StandbyOrders; readonly running: RunningContainer };

export function decide(seen: Observed, now: Instant): Plan {
  if (!seen.targetFound)
    return refused(reason.targetContainerNotFound, 'the pod does not say which container to restore');
  const { standby, running } = seen;
  if (standby === undefined) return decideOrdinary(seen);
  if (running === undefined) return decideComing(seen);
  // standby itself keeps still after that; the condition has the reason.
  if (standby.otherwise === 'Fail' && running.lastExitCode === FAILED_EXIT_CODE) return decideEnded(seen);
  const waiting = { ...seen, standby, running };
  if (seen.end !== undefined) return decideEnd(waiting, seen.end, now);
  const last = seen.attempts.at(-1);
  return last === undefined ? decideCheckpoint(waiting) : decideAttempt(waiting, last, now);
}

/** It runs its own command, which is a cold start without standby. */
function decideOrdinary({ leftAlone }: Observed): Plan {
  const { reason: why, message } = leftAlone ?? {
    reason: reason.notAPlaceholder,
    message: 'the admission webhook was not there when the pod was made; it runs its own command',
  };
  return unrestored({ reason: why, message }, true);
}

/**
 * The node is told what will be restored while the pod's sandbox, volumes and images are still being made: the agent sees the container
 * start well before the kubelet says so (its relist period: a second). Whatever else there is to say can wait until it runs.
 */
function decideComing(seen: Observed): Plan {
  const { standby, coming, checkpoint, first } = seen;
  if (standby === undefined) return { do: 'nothing' };
  if (first !== undefined) return isFinal(first.status?.phase) ? decideEnded(seen) : decideFirst(seen, first);
  return coming !== undefined && checkpoint !== undefined && restorable(checkpoint) !== undefined
    ? assign(checkpoint, coming, standby, 1)
    : { do: 'nothing' };
}

/** Once it is taken it ends as any other. */
function decideFirst({ coming, checkpoint }: Observed, { name, spec, status }: Given): Plan {
  const waits = (status?.phase ?? 'Pending') === 'Pending';
  const artifact = restorable(checkpoint);
  const isRight = coming !== undefined && artifact !== undefined && spec.artifact?.uid === artifact;
  return waits && !isRight ? { do: 'withdraw', assignment: name } : { do: 'nothing' };
}

/** What ends so soon may have ended its container too, before the kubelet has told of one. Nobody else would say so. */
function decideEnded({ first, restarts }: Observed): Plan {
  const { spec, status } = first ?? {};
  // A later container has attempts of its own; but standby keeps still after it has failed for good.
  if (spec === undefined || (restarts > 0 && status?.fellBack !== 'Fail')) return { do: 'nothing' };
  if (status?.phase === 'Succeeded') return restored(status, spec.artifact?.digest ?? '', spec.nodeName);
  if (status?.fellBack === undefined) return { do: 'nothing' };
  return unrestored(becauseOf(status), status.fellBack === 'ColdStart', reason.restoreFailed);
}

/** UID of the artifact that pods are restored from now. */
function restorable(checkpoint: DynamoCheckpoint | undefined): string | undefined {
  const { phase, artifact } = checkpoint?.status ?? {};
  const stays = checkpoint?.metadata.deletionTimestamp === undefined;
  return stays && phase === 'Ready' ? artifact?.uid : undefined;
}

function decideCheckpoint({ checkpoint, wanted, standby, running }: Waiting): Plan {
  const verdict = (why: string, message: string): Plan =>
    standby.otherwise === undefined
      ? refused(why, message)
      : { do: 'end', how: standby.otherwise, because: { reason: why, message }, target: running };
  if (checkpoint === undefined)
    return verdict(reason.checkpointNotFound, `DynamoCheckpoint ${wanted} does not exist in this namespace`);
  if (checkpoint.metadata.deletionTimestamp !== undefined)
    return verdict(reason.checkpointNotReady, `DynamoCheckpoint ${wanted} is being deleted`);
  const { phase, message, artifact } = checkpoint.status ?? {};
  if (phase === 'Failed')
    return verdict(reason.checkpointFailed, `DynamoCheckpoint ${wanted} has failed: ${message ?? ''}`);
  if (phase !== 'Ready' || artifact === undefined) {
    const text = `DynamoCheckpoint ${wanted} is ${phase ?? 'Pending'}`;
    const mayWait =
      standby.otherwise === undefined || checkpoint.spec.restore?.startupPolicy === 'WaitForCheckpoint';
    return mayWait
      ? refused(reason.checkpointNotReady, `${text}; restored when it is Ready`)
      : verdict(reason.checkpointNotReady, text);
  }
  if (running.restartCount >= MOST_RESTARTS && standby.otherwise !== undefined)
    return verdict(reason.restoredTooOften, `the container has ended ${running.restartCount} times`);
  return assign(checkpoint, running, standby, 1);
}

function assign(
  checkpoint: DynamoCheckpoint,
  target: RunningContainer | ComingTarget,
  { otherwise }: StandbyOrders,
  number: number,
): Plan {
  const last = number >= mostAttempts(checkpoint);
  const attempt = { number, last, ...(otherwise === undefined ? {} : { fallback: otherwise }) };
  return { do: 'assign', checkpoint, target, attempt };
}

/** One that was made before its container could not be begun before it. */
const since = ({ running }: Waiting, { createdAt }: Given): Instant => Math.max(createdAt, running.startedAt);

const mostAttempts = ({ spec }: DynamoCheckpoint): number =>
  spec.restore?.maxAttempts ?? checkpointDefaults.maxAttempts;

function decideAttempt(seen: Waiting, last: Given, now: Instant): Plan {
  const { running } = seen;
  switch (last.status?.phase) {
    case 'Succeeded':
      return restored(last.status, last.spec.artifact?.digest ?? '', running.nodeName);
    case 'Failed':
    case 'Cancelled':
      return decideFailed(seen, last);
    case undefined:
    case 'Pending':
      return decideUntaken(seen, last, now);
    default: {
      const left = since(seen, last) + last.spec.deadlineSeconds * 1000 + AGENT_LOST_MS - now;
      if (left > 0) return { do: 'nothing', requeueAfterMs: left };
      const message = `the agent of node ${running.nodeName} has not said how the restore ended`;
      return unrestored({ reason: reason.agentMissing, message }, running.started);
    }
  }
}

const becauseOf = (status: Given['status']): Because => ({
  reason: status?.reason ?? reason.restoreFailed,
  message: status?.message ?? 'the restore failed',
});

function decideFailed({ standby, running, attempts, checkpoint }: Waiting, last: Given): Plan {
  const { phase, fellBack, reason: why } = last.status ?? {};
  const because = becauseOf(last.status);
  if (fellBack !== undefined) return unrestored(because, fellBack === 'ColdStart', reason.restoreFailed);
  if (phase === 'Cancelled' && last.spec.cancelled === true)
    return unrestored(nobody(running), running.started);
  const again = phase === 'Failed' && isRetryable(why) && checkpoint?.status?.phase === 'Ready';
  if (again && attempts.length < mostAttempts(checkpoint))
    return assign(checkpoint, running, standby, attempts.length + 1);
  return standby.otherwise === undefined
    ? unrestored(because, false, reason.restoreFailed)
    : { do: 'end', how: standby.otherwise, because, target: running };
}

/** When standby, left alone, has decided by itself. */
function ownDecision({ standby, running }: Waiting, { createdAt }: Given): Instant {
  const { unclaimedSeconds } = standby;
  if (unclaimedSeconds === undefined) return Infinity;
  const window = running.startedAt + unclaimedSeconds * 1000 + MARGIN_MS;
  // Younger than the container: an attempt after a failed one, or an order after a wait for the checkpoint.
  return Math.max(window, createdAt > window ? createdAt + NEXT_ORDER_MS : window);
}

const nobody = ({ nodeName }: RunningContainer): Because => ({
  reason: reason.agentMissing,
  message: `no agent on node ${nodeName} has taken the restore in time`,
});

/** After this, an assignment that nobody has taken is said to a person. */
const TAKEN_WITHIN_MS = 15_000;

function decideUntaken(seen: Waiting, last: Given, now: Instant): Plan {
  const { running } = seen;
  const own = ownDecision(seen, last);
  if (now >= own) return { ...unrestored(nobody(running), running.started), cancel: last.name };
  const shown = since(seen, last) + TAKEN_WITHIN_MS;
  if (now >= shown) {
    const message = `no agent on node ${running.nodeName} has taken the restore yet`;
    return waits({ reason: reason.agentMissing, message }, own === Infinity ? undefined : own - now);
  }
  return { do: 'nothing', requeueAfterMs: Math.min(own, shown) - now };
}

function decideEnd(seen: Waiting, end: Given, now: Instant): Plan {
  const because = end.spec.because ?? { reason: reason.restoreFailed, message: '' };
  const { running } = seen;
  switch (end.status?.phase) {
    case 'Succeeded':
      return unrestored(because, end.spec.operation === 'ColdStart');
    case 'Failed':
    case 'Cancelled':
      return unrestored(because, running.started);
    default: {
      const own = ownDecision(seen, end);
      if (now >= own) return unrestored(because, running.started);
      return waits(because, own - now);
    }
  }
}
