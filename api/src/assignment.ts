/** SnapshotAssignment: one piece of work for one node. The operator owns spec, the agent of that node owns status. */
import type { FromSchema } from 'json-schema-to-ts';
import type { Condition } from './conditions';
import { hooksSchema } from './hooks';
import { progressSchema } from './progress';
import { receiptSchema } from './receipt';
import type { ObjectMeta } from './schema';
import { dnsLabel, excludePathsSchema, objectName, sourceSchema, tcpSchema, timingsSchema } from './schema';
import { fallbacks } from './standby';

/** Retain: the artifact is marked, and no sweep removes it. ColdStart and Fail end the waiting of a placeholder without a restore. */
export const operations = ['Capture', 'Restore', 'Delete', 'Retain', 'ColdStart', 'Fail'] as const;
export type Operation = (typeof operations)[number];

export const assignmentPhases = ['Pending', 'Running', 'Succeeded', 'Failed', 'Cancelled'] as const;
export type AssignmentPhase = (typeof assignmentPhases)[number];

/** Step of a restore that its agent has seen, and whose container has not started yet. */
export const AWAITS_CONTAINER = 'await container';

export const isFinal = (phase: AssignmentPhase | undefined): boolean =>
  phase === 'Succeeded' || phase === 'Failed' || phase === 'Cancelled';

export const assignmentSpecSchema = {
  type: 'object',
  required: ['nodeName', 'operation', 'checkpoint', 'deadlineSeconds'],
  properties: {
    nodeName: { ...objectName, description: 'Node whose agent does it.' },
    operation: { type: 'string', enum: operations, description: 'What is to be done.' },
    checkpoint: {
      type: 'object',
      description: 'The DynamoCheckpoint that it serves.',
      required: ['name'],
      properties: {
        name: { ...objectName, description: 'Its name, in the same namespace.' },
        uid: { type: 'string', description: 'Its UID.' },
      },
    },
    artifact: {
      type: 'object',
      description:
        'The artifact lies at <store>/<namespace of this object>/<identityHash>/<uid>; no path is ever given.',
      required: ['identityHash', 'uid'],
      properties: {
        identityHash: { type: 'string', pattern: '^[0-9a-f]{16}$', description: 'Of the checkpoint.' },
        uid: {
          type: 'string',
          pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
          description: 'Of the artifact.',
        },
        digest: {
          type: 'string',
          pattern: '^sha256:[0-9a-f]{64}$',
          description: 'Restore: the manifest must have it.',
        },
      },
    },
    pod: {
      type: 'object',
      description: 'Capture: the source. Restore: the placeholder.',
      required: ['name', 'uid'],
      properties: {
        name: { ...objectName, description: 'Its name, in the same namespace.' },
        uid: { type: 'string', description: 'Its UID: a new pod of the same name is not meant.' },
      },
    },
    container: {
      type: 'object',
      description: 'The container of the pod that is captured or restored into.',
      required: ['name'],
      properties: {
        name: { ...dnsLabel, description: 'Its name in the pod.' },
        id: {
          type: 'string',
          pattern: '^[0-9a-f]{64}$',
          description:
            'Without the scheme of the runtime. Restore: absent where the pod has not run it yet; its agent waits for the first one.',
        },
      },
    },
    afterCapture: {
      type: 'string',
      enum: ['KeepRunning', 'Complete'],
      description:
        'KeepRunning: the source goes on serving. Complete: it is told by snapshot-complete that it may exit.',
    },
    hooks: {
      type: 'object',
      description: 'What the worker is asked before it is captured, and when it goes on or was restored.',
      properties: {
        before: hooksSchema,
        after: hooksSchema,
        restored: {
          ...hooksSchema,
          description: 'Capture: kept in the artifact, for the workers that are restored from it.',
        },
      },
    },
    tcp: tcpSchema,
    excludePaths: excludePathsSchema,
    fallback: {
      type: 'string',
      enum: fallbacks,
      description: 'Restore: what the agent makes of the placeholder when it fails; absent = it waits on.',
    },
    lastAttempt: {
      type: 'boolean',
      description: 'Restore: fall back after any failure, not only after one that a retry would not cure.',
    },
    because: {
      type: 'object',
      description: 'ColdStart, Fail: why there is no restore, for the log of the container.',
      required: ['reason', 'message'],
      properties: {
        reason: { type: 'string', description: 'UpperCamel.' },
        message: { type: 'string', description: 'For a person.' },
      },
    },
    deadlineSeconds: {
      type: 'integer',
      format: 'int64',
      minimum: 1,
      description: 'From its begin; what is not done by then is taken back.',
    },
    cancelled: { type: 'boolean', description: 'The only field that may change.' },
  },
} as const;

export const assignmentStatusSchema = {
  type: 'object',
  properties: {
    phase: {
      type: 'string',
      enum: assignmentPhases,
      description: 'How far it is; the last three are final.',
    },
    step: { type: 'string', description: 'What is being done now.' },
    progress: progressSchema,
    startedAt: { type: 'string', format: 'date-time', description: 'When the agent began.' },
    heartbeatTime: {
      type: 'string',
      format: 'date-time',
      description: 'When the agent was last known to be at it.',
    },
    finishedAt: { type: 'string', format: 'date-time', description: 'When it ended.' },
    reason: { type: 'string', description: 'Why it failed, in a word; see reasons.md.' },
    message: { type: 'string', description: 'Why it failed, for a person.' },
    timings: timingsSchema,
    artifact: {
      type: 'object',
      description: 'Capture: what was published.',
      required: ['digest', 'sizeBytes'],
      properties: {
        digest: { type: 'string', description: 'sha256:<hex> of its manifest.' },
        sizeBytes: { type: 'integer', format: 'int64', description: 'All files of it.' },
      },
    },
    source: sourceSchema,
    receipt: receiptSchema,
    fellBack: {
      type: 'string',
      enum: fallbacks,
      description: 'What the agent made of the placeholder when the restore failed.',
    },
  },
} as const;

export type AssignmentSpec = FromSchema<typeof assignmentSpecSchema>;
export type AssignmentStatus = FromSchema<typeof assignmentStatusSchema>;

export interface SnapshotAssignment {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: AssignmentSpec;
  readonly status?: AssignmentStatus;
}

/** Failures after which the same restore may succeed; every other one is a verdict. */
const retryable: readonly string[] = [
  'RestoreFailed',
  'RestoreUnproven',
  'DeadlineExceeded',
  'OperationLost',
];
export const isRetryable = (reason: string | undefined): boolean => retryable.includes(reason ?? '');

/** Pod conditions carry no lastTransitionTime until the API server has seen them. */
export type PodCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;
