/** What to do about a DynamoCheckpoint; pure and total. Ready means: an agent has published the artifact and read its digest back. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { isFinal } from '@dynamo-snapshot/api/assignment';
import { ARTIFACT_FINALIZER, reason } from '@dynamo-snapshot/api/names';
import type { Instant } from '@dynamo-snapshot/api/time';
import type { RunningContainer } from '../assignment/container';
import type { Observed } from './observe';

/** A worker that does not leave by itself after its capture. */
const JOB_GRACE_MS = 60_000;
/** After this, an assignment that nobody has taken is said to a person. */
const TAKEN_WITHIN_MS = 15_000;

export type Plan =
  | { readonly do: 'nothing'; readonly requeueAfterMs?: number }
  | { readonly do: 'addFinalizer' }
  | { readonly do: 'createJob' }
  | { readonly do: 'assignCapture'; readonly target: RunningContainer }
  | { readonly do: 'wait'; readonly reason: string; readonly message: string; readonly warn: boolean }
  | {
      readonly do: 'progress';
      readonly capture: SnapshotAssignment;
      readonly message: string;
      readonly requeueAfterMs?: number;
    }
  | { readonly do: 'ready'; readonly capture: SnapshotAssignment }
  | { readonly do: 'fail'; readonly reason: string; readonly message: string }
  | { readonly do: 'endJob' }
  | { readonly do: 'cancelCapture'; readonly capture: SnapshotAssignment }
  | { readonly do: 'assignDelete'; readonly nodeName: string }
  | { readonly do: 'tellDeleteFailed'; readonly message: string }
  | { readonly do: 'release' };

export function decide(seen: Observed, now: Instant): Plan {
  const { metadata, status } = seen.checkpoint;
  if (metadata.deletionTimestamp !== undefined) return decideDeletion(seen);
  if (status?.phase === 'Failed') return { do: 'nothing' };
  if (status?.phase === 'Ready') return decideAfterReady(seen, now);
  if (seen.capture !== undefined) return decideCapture(seen, seen.capture, now);
  if (seen.owner !== undefined) {
    const message = `checkpoint identity hash ${seen.hash} is already owned by ${seen.owner}`;
    return { do: 'fail', reason: reason.duplicateIdentity, message };
  }
  if (metadata.finalizers?.includes(ARTIFACT_FINALIZER) !== true) return { do: 'addFinalizer' };
  return decideSource(seen);
}

function decideSource({ checkpoint, job, source }: Observed): Plan {
  const fromJob = checkpoint.spec.job !== undefined;
  if (fromJob && job === 'absent' && checkpoint.status?.jobName !== undefined)
    return {
      do: 'fail',
      reason: reason.jobMissing,
      message: 'the checkpoint job was deleted before the worker was captured',
    };
  if (fromJob && job === 'absent') return { do: 'createJob' };
  if (fromJob && (job === 'failed' || job === 'complete'))
    return {
      do: 'fail',
      reason: reason.jobFailed,
      message: 'the checkpoint job ended before its worker was ready to be captured',
    };
  switch (source.state) {
    case 'ready':
      return { do: 'assignCapture', target: source.target };
    case 'noContainer':
      return {
        do: 'fail',
        reason: reason.targetContainerNotFound,
        message: `pod ${source.pod} does not have the container that the checkpoint names, or has several and none is named`,
      };
    case 'waiting':
      return wait(reason.waitingForSource, `waiting for pod ${source.pod} to be Ready`, false);
    case 'absent':
      return fromJob
        ? wait(reason.waitingForSource, "waiting for the job's pod", false)
        : wait(
            reason.sourcePodNotFound,
            'no pod is what spec.source names; captured when there is one',
            true,
          );
  }
}

const wait = (why: string, message: string, warn: boolean): Plan => ({
  do: 'wait',
  reason: why,
  message,
  warn,
});

function decideCapture({ job, checkpoint }: Observed, capture: SnapshotAssignment, now: Instant): Plan {
  const phase = capture.status?.phase;
  if (phase === 'Succeeded') return { do: 'ready', capture };
  if (phase === 'Failed' || phase === 'Cancelled')
    return {
      do: 'fail',
      reason: capture.status?.reason ?? reason.captureFailed,
      message: capture.status?.message ?? 'the capture failed',
    };
  if (checkpoint.spec.job !== undefined && job === 'failed' && phase === undefined)
    return {
      do: 'fail',
      reason: reason.jobFailed,
      message: 'the checkpoint job failed before its worker was captured',
    };
  const waited = now - Date.parse(String(capture.metadata.creationTimestamp ?? new Date(now).toISOString()));
  if (phase !== undefined) return { do: 'progress', capture, message: '' };
  if (waited < TAKEN_WITHIN_MS)
    return { do: 'progress', capture, message: '', requeueAfterMs: TAKEN_WITHIN_MS - waited + 100 };
  return {
    do: 'progress',
    capture,
    message: `no agent on node ${capture.spec.nodeName} has taken the capture yet`,
  };
}

function decideAfterReady({ job, checkpoint }: Observed, now: Instant): Plan {
  if (checkpoint.spec.job === undefined || job !== 'active') return { do: 'nothing' };
  const since = now - Date.parse(checkpoint.status?.createdAt ?? new Date(now).toISOString());
  return since >= JOB_GRACE_MS ? { do: 'endJob' } : { do: 'nothing', requeueAfterMs: JOB_GRACE_MS - since };
}

function decideDeletion({ checkpoint, capture, deletion }: Observed): Plan {
  const { metadata, spec, status } = checkpoint;
  if (metadata.finalizers?.includes(ARTIFACT_FINALIZER) !== true) return { do: 'nothing' };
  if (capture !== undefined && !isFinal(capture.status?.phase))
    return capture.spec.cancelled === true ? { do: 'nothing' } : { do: 'cancelCapture', capture };
  const nodeName = status?.source?.nodeName ?? capture?.spec.nodeName;
  const nothingThere = status?.artifact === undefined && capture?.status?.phase !== 'Succeeded';
  if (spec.retention?.deletionPolicy === 'Retain' || nothingThere || nodeName === undefined)
    return { do: 'release' };
  if (deletion === undefined) return { do: 'assignDelete', nodeName };
  if (deletion.status?.phase === 'Succeeded') return { do: 'release' };
  if (isFinal(deletion.status?.phase))
    return { do: 'tellDeleteFailed', message: deletion.status?.message ?? '' };
  return { do: 'nothing' };
}
