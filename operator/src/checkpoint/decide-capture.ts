/** A capture that was asked for and has not ended; pure and total. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { checkpointDefaults } from '@dynamo-snapshot/api/checkpoint';
import type { Condition } from '@dynamo-snapshot/api/conditions';
import { findCondition } from '@dynamo-snapshot/api/conditions';
import { ARTIFACT_FINALIZER, condition, reason } from '@dynamo-snapshot/api/names';
import type { Instant } from '@dynamo-snapshot/api/time';
import type { CaptureRequest } from './capture';
import { jobName } from './capture';
import { describe, differs } from './image';
import type { Observed } from './observe';
import type { CapturePlan, Fail, Nothing } from './plan';

/** After this, an assignment that nobody has taken is said to a person. */
const TAKEN_WITHIN_MS = 15_000;
/** A job that was just made may not be in the cache yet. */
const JOB_SEEN_WITHIN_MS = 10_000;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function decideCapture(seen: Observed, request: CaptureRequest, now: Instant): Nothing | CapturePlan {
  if (seen.capture !== undefined) return decideAssigned(seen, seen.capture, request, now);
  if (seen.owner !== undefined) return failDuplicate(seen, seen.owner);
  if (seen.checkpoint.metadata.finalizers?.includes(ARTIFACT_FINALIZER) !== true)
    return { do: 'addFinalizer' };
  return decideJob(seen, request, now) ?? decideSource(seen);
}

/** The same identity from another image is not the same artifact, and must not be found under the same hash. */
export function failDuplicate(seen: Observed, owner: NonNullable<Observed['owner']>): Fail {
  const message = `checkpoint identity hash ${seen.hash} is already owned by ${owner.name}`;
  if (!differs(seen.image, owner.image)) return fail(reason.duplicateIdentity, message);
  const [theirs, ours] = [owner.image, seen.image].map(describe);
  return fail(
    reason.imageDiffers,
    `${message}, which is of image ${theirs}; this one is of ${ours}: tell them apart in spec.identity.extraParameters`,
  );
}

/** Undefined where the pod decides: in source mode, and while the job runs. */
function decideJob(
  { checkpoint, job }: Observed,
  { version }: CaptureRequest,
  now: Instant,
): Nothing | CapturePlan | undefined {
  if (checkpoint.spec.job === undefined) return undefined;
  switch (job.state) {
    case 'active':
      return undefined;
    case 'foreign': {
      const message = `job ${jobName(checkpoint.metadata.name, version)} belongs to another object; waiting until it is gone`;
      return wait(reason.waitingForSource, message, true);
    }
    case 'failed':
    case 'complete':
      return fail(
        job.ended?.reason ?? reason.jobFailed,
        job.ended?.message ?? 'the checkpoint job has ended',
      );
    case 'absent':
      return decideWithoutJob(checkpoint, version, now);
  }
}

function decideWithoutJob(
  { metadata, status }: Observed['checkpoint'],
  version: number,
  now: Instant,
): Nothing | CapturePlan {
  const made = findCondition(status?.conditions as readonly Condition[] | undefined, condition.jobCreated);
  const name = jobName(metadata.name, version);
  if (made === undefined || status?.jobName !== name) return { do: 'createJob' };
  const left = JOB_SEEN_WITHIN_MS - (now - Date.parse(made.lastTransitionTime));
  return left > 0
    ? { do: 'nothing', requeueAfterMs: left }
    : fail(reason.jobMissing, `job ${name} was deleted before its worker was captured`);
}

function decideSource({ checkpoint: { spec }, source }: Observed): CapturePlan {
  switch (source.state) {
    case 'ready':
      return { do: 'assignCapture', target: source.target, quiesce: source.quiesce };
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

function decideAssigned(
  seen: Observed,
  capture: SnapshotAssignment,
  request: CaptureRequest,
  now: Instant,
): Nothing | CapturePlan {
  const { status } = capture;
  switch (status?.phase) {
    case 'Succeeded':
      return DIGEST.test(status.artifact?.digest ?? '')
        ? { do: 'ready', capture }
        : fail(reason.artifactUnverified, 'the agent has not said which artifact it has verified');
    case 'Failed':
    case 'Cancelled':
      return decideFailed(seen, capture, request);
    case 'Running':
      return { do: 'progress', capture };
    default:
      return decideUntaken(seen, capture, now);
  }
}

/** A job that goes on tries again by itself: its next pod is captured. */
function decideFailed(seen: Observed, capture: SnapshotAssignment, request: CaptureRequest): CapturePlan {
  const { checkpoint, job, captureSourceGone } = seen;
  const { reason: why, message } = endOf(capture, captureSourceGone);
  const { backoffLimit = checkpointDefaults.backoffLimit } = checkpoint.spec.job ?? {};
  const again = job.state === 'active' && captureSourceGone && request.attempt <= backoffLimit;
  if (!again) return fail(why, job.ended === undefined ? message : `${message}; ${job.ended.message}`);
  const next = { key: request.key, version: request.version, attempt: request.attempt + 1 };
  return { do: 'begin', request: next, message: `attempt ${request.attempt} failed: ${why}: ${message}` };
}

/** What was cancelled because its pod leaves says no more than that it was cancelled. */
function endOf(
  { spec, status }: SnapshotAssignment,
  sourceGone: boolean,
): { reason: string; message: string } {
  if (status?.phase === 'Cancelled' && sourceGone)
    return {
      reason: reason.sourcePodGone,
      message: `pod ${spec.pod?.name ?? ''} left while it was captured`,
    };
  return { reason: status?.reason ?? reason.captureFailed, message: status?.message ?? 'the capture failed' };
}

/** An agent that has taken a capture says itself how it ends; until then nobody else would. */
function decideUntaken(seen: Observed, capture: SnapshotAssignment, now: Instant): CapturePlan {
  const { checkpoint, job, captureSourceGone } = seen;
  const { nodeName, pod } = capture.spec;
  if (checkpoint.spec.job !== undefined && (job.state === 'failed' || job.state === 'absent'))
    return fail(reason.jobFailed, job.ended?.message ?? 'the job was deleted before its worker was captured');
  if (checkpoint.spec.job === undefined && captureSourceGone)
    return fail(reason.sourcePodGone, `pod ${pod?.name ?? ''} is gone before its capture began`);
  const made = capture.metadata.creationTimestamp;
  const left = TAKEN_WITHIN_MS - (made === undefined ? 0 : now - Date.parse(String(made)));
  if (left > 0) return { do: 'progress', capture, requeueAfterMs: left };
  const trouble =
    seen.captureAgent === 'alive'
      ? {
          reason: reason.captureRunning,
          message: `the agent of node ${nodeName} has not taken the capture yet`,
        }
      : { reason: reason.agentMissing, message: missing(nodeName, seen.captureAgent) };
  return { do: 'progress', capture, trouble, requeueAfterMs: TAKEN_WITHIN_MS };
}

const missing = (node: string, state: 'silent' | 'absent'): string =>
  state === 'absent'
    ? `no snapshot agent runs on node ${node}; does the DaemonSet's nodeSelector or a taint keep it away?`
    : `the snapshot agent of node ${node} does not answer: its pod is not Ready`;
