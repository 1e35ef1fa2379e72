/** The status that follows from a plan; pure. Server-side apply takes away what is left out, so it is always the whole. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { CheckpointPhase, CheckpointStatus, DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import type { Condition, NewCondition } from '@dynamo-snapshot/api/conditions';
import { withCondition } from '@dynamo-snapshot/api/conditions';
import { condition, reason } from '@dynamo-snapshot/api/names';
import { progressOf } from '@dynamo-snapshot/api/progress';
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import type { Instant } from '@dynamo-snapshot/api/time';
import { isoSeconds } from '@dynamo-snapshot/api/time';
import type { Observed } from './observe';

export interface Change {
  readonly phase: CheckpointPhase;
  readonly message: string;
  readonly conditions: readonly NewCondition[];
  readonly more?: Partial<CheckpointStatus>;
}

export function changed({ checkpoint, hash }: Observed, change: Change, now: Instant): CheckpointStatus {
  const { metadata, status } = checkpoint;
  const conditions = change.conditions.reduce(
    (list, next) => withCondition(list, next, now),
    (status?.conditions ?? []) as readonly Condition[],
  );
  return {
    ...status,
    ...change.more,
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    phase: change.phase,
    identityHash: hash,
    message: change.message,
    conditions: conditions.map((c) => ({ ...c })),
  };
}

/** A job that was made has begun the work: its checkpoint does not go back to Pending. */
export const waiting = ({ status }: DynamoCheckpoint, why: string, message: string): Change => ({
  phase: status?.jobName === undefined ? 'Pending' : 'Creating',
  message,
  conditions: [no(condition.captured, why, message), no(condition.ready, why, message)],
});

export const jobMade = (jobName: string): Change => ({
  phase: 'Creating',
  message: '',
  more: { jobName },
  conditions: [yes(condition.jobCreated, reason.jobCreated, `job ${jobName} runs the worker`)],
});

export const jobCompleted = (): Change => ({
  phase: 'Ready',
  message: '',
  conditions: [yes(condition.jobCompleted, reason.jobCompleted, 'the worker has left')],
});

export const failed = (why: string, message: string): Change => ({
  phase: 'Failed',
  message,
  more: { progress: progressOf({ step: 'failed' }) },
  conditions: [no(condition.captured, why, message), no(condition.ready, why, message)],
});

export function capturing({ metadata, spec, status }: SnapshotAssignment, message: string): Change {
  const progress = status?.progress ?? progressOf({ step: 'assigned' });
  const text = message || `the agent of ${spec.nodeName} captures pod ${spec.pod?.name ?? ''}`;
  return {
    phase: 'Creating',
    message,
    more: { progress, assignmentName: metadata.name, ...(spec.pod ? { podName: spec.pod.name } : {}) },
    conditions: [
      no(condition.captured, reason.captureRunning, text),
      no(condition.ready, reason.captureRunning, text),
    ],
  };
}

export function captured({ metadata, spec, status }: SnapshotAssignment, now: Instant): Change {
  const { digest = '', sizeBytes = 0 } = status?.artifact ?? {};
  const { identityHash, uid } = spec.artifact;
  const location = `${metadata.namespace}/${identityHash}/${uid}`;
  return {
    phase: 'Ready',
    message: '',
    more: {
      progress: progressOf({ step: 'done' }),
      assignmentName: metadata.name,
      artifact: { uid, digest, sizeBytes, size: humanBytes(sizeBytes) },
      source: { nodeName: spec.nodeName, podName: spec.pod?.name ?? '', ...status?.source },
      timings: (status?.timings ?? []).map((t) => ({ ...t })),
      createdAt: isoSeconds(status?.finishedAt === undefined ? now : Date.parse(status.finishedAt)),
      location,
      storageType: 'pvc',
    },
    conditions: [
      yes(condition.captured, reason.checkpointReady, `${humanBytes(sizeBytes)} at ${location}`),
      yes(condition.ready, reason.checkpointReady, 'pods may be restored from it'),
    ],
  };
}

const yes = (type: string, why: string, message: string): NewCondition => ({
  type,
  status: 'True',
  reason: why,
  message,
});
const no = (type: string, why: string, message: string): NewCondition => ({
  type,
  status: 'False',
  reason: why,
  message,
});
