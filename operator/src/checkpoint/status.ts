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
import type { CaptureRequest } from './capture';
import { jobName } from './capture';
import type { Observed } from './observe';
import type { CapturePlan } from './plan';

export interface Change {
  readonly phase: CheckpointPhase;
  readonly message: string;
  readonly conditions: readonly NewCondition[];
  readonly more?: Partial<CheckpointStatus>;
}

export function changed(seen: Observed, wanted: Change, now: Instant): CheckpointStatus {
  const { checkpoint, hash, request } = seen;
  const { metadata, status } = checkpoint;
  const change = withJob(seen, wanted);
  const conditions = change.conditions.reduce(
    (list, next) => withCondition(list, next, now),
    (status?.conditions ?? []) as readonly Condition[],
  );
  return {
    ...status,
    ...(request === undefined ? {} : { capture: request }),
    ...change.more,
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    phase: change.phase,
    identityHash: hash,
    message: change.message,
    conditions: conditions.map((c) => ({ ...c })),
  };
}

/**
 * The whole status is written each time. A cache that knows the job already, and not yet that we have said so, must not take it back: nobody
 * would say it again.
 */
function withJob({ checkpoint, job, request }: Observed, change: Change): Change {
  const name = jobName(checkpoint.metadata.name, request?.version);
  const isOurs = job.state !== 'absent' && job.state !== 'foreign';
  if (!isOurs || checkpoint.status?.jobName === name) return change;
  const made = jobMade(checkpoint, name);
  return {
    ...change,
    phase: change.phase === 'Pending' ? made.phase : change.phase,
    more: { ...made.more, ...change.more },
    conditions: [...made.conditions, ...change.conditions],
  };
}

/** What can be restored from stays Ready while another version is captured. */
const phaseOf = ({ status }: DynamoCheckpoint, otherwise: CheckpointPhase): CheckpointPhase =>
  status?.artifact === undefined ? otherwise : 'Ready';

const notReady = ({ status }: DynamoCheckpoint, why: string, message: string): readonly NewCondition[] =>
  status?.artifact === undefined ? [no(condition.ready, why, message)] : [];

export const begun = (checkpoint: DynamoCheckpoint, capture: CaptureRequest, message: string): Change => ({
  phase: phaseOf(checkpoint, capture.attempt === 1 ? 'Pending' : 'Creating'),
  message,
  more: { capture },
  conditions: [],
});

/** Of the version that is asked for, not of one before it. */
const hasJob = ({ metadata, status }: DynamoCheckpoint): boolean =>
  status?.jobName === jobName(metadata.name, status?.capture?.version);

/** A job that was made has begun the work: its checkpoint does not go back to Pending. */
export const waiting = (checkpoint: DynamoCheckpoint, why: string, message: string): Change => ({
  phase: phaseOf(checkpoint, hasJob(checkpoint) ? 'Creating' : 'Pending'),
  message,
  conditions: [no(condition.captured, why, message), ...notReady(checkpoint, why, message)],
});

export const jobMade = (checkpoint: DynamoCheckpoint, jobName: string): Change => ({
  phase: phaseOf(checkpoint, 'Creating'),
  message: '',
  more: { jobName },
  conditions: [
    yes(condition.jobCreated, reason.jobCreated, `job ${jobName} runs the worker`),
    no(condition.jobCompleted, reason.jobCreated, `job ${jobName} runs the worker`),
  ],
});

export const jobCompleted = (): Change => ({
  phase: 'Ready',
  message: '',
  conditions: [yes(condition.jobCompleted, reason.jobCompleted, 'the worker has left')],
});

/** A version that could not be captured leaves the one before it as it is. */
export function failed({ checkpoint, key, request }: Observed, why: string, message: string): Change {
  const capture: CaptureRequest = { version: 1, attempt: 1, ...request, key, outcome: 'Failed' };
  const has = checkpoint.status?.artifact;
  return {
    phase: phaseOf(checkpoint, 'Failed'),
    message:
      has === undefined
        ? message
        : `version ${capture.version} failed, version ${has.version ?? 1} stays: ${message}`,
    more: { capture, progress: progressOf({ step: has === undefined ? 'failed' : 'done' }) },
    conditions: [no(condition.captured, why, message), ...notReady(checkpoint, why, message)],
  };
}

export function capturing(
  checkpoint: DynamoCheckpoint,
  { capture: { metadata, spec, status }, trouble }: Extract<CapturePlan, { do: 'progress' }>,
): Change {
  const progress = status?.progress ?? progressOf({ step: 'assigned' });
  const text = trouble?.message ?? `the agent of ${spec.nodeName} captures pod ${spec.pod?.name ?? ''}`;
  const why = trouble?.reason ?? reason.captureRunning;
  return {
    phase: phaseOf(checkpoint, 'Creating'),
    message: trouble?.message ?? '',
    more: { progress, assignmentName: metadata.name, ...(spec.pod ? { podName: spec.pod.name } : {}) },
    conditions: [no(condition.captured, why, text), ...notReady(checkpoint, why, text)],
  };
}

/** The artifact that was there before is told apart from the one that is read from now on. */
function retired({ status }: DynamoCheckpoint, now: Instant): NonNullable<CheckpointStatus['retired']> {
  const { artifact, source, retired: before = [] } = status ?? {};
  if (artifact === undefined) return before;
  const nodeName = source?.nodeName;
  const { uid, version = 1 } = artifact;
  return [...before, { uid, version, since: isoSeconds(now), ...(nodeName ? { nodeName } : {}) }];
}

/** As the manifest has it. Those of a backend are `after` in an assignment that an older operator made. */
function wake(
  { spec: { quiesce } }: DynamoCheckpoint,
  { hooks }: SnapshotAssignment['spec'],
): Pick<NonNullable<CheckpointStatus['artifact']>, 'wake'> {
  const list = hooks?.restored ?? (quiesce === undefined ? hooks?.after : undefined);
  return list === undefined ? {} : { wake: list };
}

export function captured(
  { checkpoint, request, key }: Observed,
  { metadata, spec, status }: SnapshotAssignment,
  now: Instant,
): Change {
  const { digest = '', sizeBytes = 0 } = status?.artifact ?? {};
  const { identityHash = '', uid = '' } = spec.artifact ?? {};
  const location = `${metadata.namespace}/${identityHash}/${uid}`;
  const capture: CaptureRequest = { key, version: 1, attempt: 1, ...request, outcome: 'Succeeded' };
  const replaced = retired(checkpoint, now);
  return {
    phase: 'Ready',
    message: '',
    more: {
      progress: progressOf({ step: 'done' }),
      assignmentName: metadata.name,
      artifact: {
        uid,
        digest,
        sizeBytes,
        size: humanBytes(sizeBytes),
        version: capture.version,
        ...wake(checkpoint, spec),
      },
      capture,
      source: { nodeName: spec.nodeName, podName: spec.pod?.name ?? '', ...status?.source },
      timings: (status?.timings ?? []).map((t) => ({ ...t })),
      createdAt: isoSeconds(status?.finishedAt === undefined ? now : Date.parse(status.finishedAt)),
      location,
      storageType: 'pvc',
      ...(replaced.length > 0 ? { retired: replaced } : {}),
    },
    conditions: [
      yes(condition.captured, reason.checkpointReady, `${humanBytes(sizeBytes)} at ${location}`),
      yes(condition.ready, reason.checkpointReady, 'pods may be restored from it'),
    ],
  };
}

/** Nothing but what `more` says. */
export const noted = ({ status }: DynamoCheckpoint, more: Partial<CheckpointStatus>): Change => ({
  phase: status?.phase ?? 'Pending',
  message: status?.message ?? '',
  conditions: [],
  more,
});

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
