/** What to do about a DynamoCheckpoint; pure and total. Ready means: an agent has published the artifact and read its digest back. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { Condition } from '@dynamo-snapshot/api/conditions';
import { findCondition } from '@dynamo-snapshot/api/conditions';
import { ARTIFACT_FINALIZER, condition, reason } from '@dynamo-snapshot/api/names';
import type { Instant } from '@dynamo-snapshot/api/time';
import { decideDeletion } from './decide-deletion';
import type { Observed } from './observe';
import type { CapturePlan, Fail, Nothing, Plan } from './plan';

/** A worker that does not leave by itself after its capture. */
const JOB_GRACE_MS = 60_000;
/** After this, an assignment that nobody has taken is said to a person. */
const TAKEN_WITHIN_MS = 15_000;
/** A job that was just made may not be in the cache yet. */
const JOB_SEEN_WITHIN_MS = 10_000;

export function decide(seen: Observed, now: Instant): Plan {
  const { metadata, status } = seen.checkpoint;
  if (metadata.deletionTimestamp !== undefined) return decideDeletion(seen, now);
  if (status?.phase === 'Failed') return { do: 'nothing' };
  if (status?.phase === 'Ready') return decideAfterReady(seen, now);
  if (seen.capture !== undefined) return decideCapture(seen, seen.capture, now);
  if (seen.owner !== undefined) {
    const message = `checkpoint identity hash ${seen.hash} is already owned by ${seen.owner}`;
    return { do: 'fail', reason: reason.duplicateIdentity, message };
  }
  if (metadata.finalizers?.includes(ARTIFACT_FINALIZER) !== true) return { do: 'addFinalizer' };
  return decideJob(seen, now) ?? decideSource(seen);
}

/** Undefined where the pod decides: in source mode, and while the job runs. */
function decideJob({ checkpoint, job }: Observed, now: Instant): Nothing | CapturePlan | undefined {
  if (checkpoint.spec.job === undefined) return undefined;
  switch (job) {
    case 'active':
      return undefined;
    case 'foreign':
      return wait(
        reason.waitingForSource,
        'a job of this name belongs to another object; waiting until it is gone',
        true,
      );
    case 'failed':
    case 'complete':
      return fail(
        reason.jobFailed,
        'the checkpoint job ended before its worker was ready to be captured; its pods have the logs',
      );
    case 'absent':
      return decideWithoutJob(checkpoint.status?.conditions as readonly Condition[] | undefined, now);
  }
}

function decideWithoutJob(conditions: readonly Condition[] | undefined, now: Instant): Nothing | CapturePlan {
  const made = findCondition(conditions, condition.jobCreated);
  if (made === undefined) return { do: 'createJob' };
  const left = JOB_SEEN_WITHIN_MS - (now - Date.parse(made.lastTransitionTime));
  return left > 0
    ? { do: 'nothing', requeueAfterMs: left }
    : fail(reason.jobMissing, 'the checkpoint job was deleted before the worker was captured');
}

function decideSource({ checkpoint: { spec }, source }: Observed): CapturePlan {
  switch (source.state) {
    case 'ready':
      return { do: 'assignCapture', target: source.target };
    case 'noContainer':
      return fail(
        reason.targetContainerNotFound,
        `pod ${source.pod} does not have the container that the checkpoint names, or has several and none is named`,
      );
    case 'waiting':
      return wait(
        reason.waitingForSource,
        `waiting for pod ${source.pod} to be Ready`,
        spec.job === undefined,
      );
    case 'absent':
      return spec.job !== undefined
        ? wait(reason.waitingForSource, "waiting for the job's pod", false)
        : wait(reason.sourcePodNotFound, `${named(spec.source)}; captured when there is one`, true);
  }
}

const named = (source: Observed['checkpoint']['spec']['source']): string =>
  source?.podName === undefined
    ? 'no pod has the labels of spec.source.selector'
    : `there is no pod ${source.podName}`;

const wait = (why: string, message: string, warn: boolean): CapturePlan => ({
  do: 'wait',
  reason: why,
  message,
  warn,
});
const fail = (why: string, message: string): Fail => ({ do: 'fail', reason: why, message });

function decideCapture(seen: Observed, capture: SnapshotAssignment, now: Instant): CapturePlan {
  const { status } = capture;
  switch (status?.phase) {
    case 'Succeeded':
      return { do: 'ready', capture };
    case 'Failed':
    case 'Cancelled':
      return fail(status.reason ?? reason.captureFailed, status.message ?? 'the capture failed');
    case undefined:
      return decideUntaken(seen, capture, now);
    default:
      return { do: 'progress', capture, message: '' };
  }
}

/** An agent that has taken a capture says itself how it ends; until then nobody else would. */
function decideUntaken(
  { checkpoint, job }: Observed,
  capture: SnapshotAssignment,
  now: Instant,
): CapturePlan {
  if (checkpoint.spec.job !== undefined && (job === 'failed' || job === 'absent'))
    return fail(reason.jobFailed, 'the checkpoint job failed before its worker was captured');
  const made = capture.metadata.creationTimestamp;
  const left = TAKEN_WITHIN_MS - (made === undefined ? 0 : now - Date.parse(String(made)));
  if (left > 0) return { do: 'progress', capture, message: '', requeueAfterMs: left };
  const message = `no agent on node ${capture.spec.nodeName} has taken the capture yet`;
  return { do: 'progress', capture, message };
}

function decideAfterReady({ job, checkpoint: { spec, status } }: Observed, now: Instant): Plan {
  if (spec.job === undefined) return { do: 'nothing' };
  const told = status?.conditions?.some((c) => c.type === condition.jobCompleted && c.status === 'True');
  if (job === 'complete' && told !== true) return { do: 'jobCompleted' };
  if (job !== 'active') return { do: 'nothing' };
  const left = JOB_GRACE_MS - (status?.createdAt === undefined ? 0 : now - Date.parse(status.createdAt));
  return left > 0 ? { do: 'nothing', requeueAfterMs: left } : { do: 'endJob' };
}
