/** DynamoCheckpoint: what a person applies. Schema, type and CRD come from the constants here. */
import type { FromSchema } from 'json-schema-to-ts';
import { hooksSchema, quiesceSchema } from './hooks';
import { identitySchema } from './identity';
import { progressSchema } from './progress';
import type { ObjectMeta } from './schema';
import { restoreSchema } from './restore';
import {
  conditionsSchema,
  dnsLabel,
  excludePathsSchema,
  matchLabelsSchema,
  objectName,
  seconds,
  sourceSchema,
  tcpSchema,
  timingsSchema,
} from './schema';

export const checkpointPhases = ['Pending', 'Creating', 'Ready', 'Failed'] as const;
export type CheckpointPhase = (typeof checkpointPhases)[number];

const jobSchema = {
  type: 'object',
  description:
    'Run a worker for the capture alone: a Job is made of the template, captured when ready, and ended.',
  required: ['podTemplateSpec'],
  properties: {
    podTemplateSpec: {
      type: 'object',
      description: 'A PodTemplateSpec of core/v1.',
      'x-kubernetes-preserve-unknown-fields': true,
    },
    targetContainerName: {
      ...dnsLabel,
      description: 'Container to capture; default "main", or the only one.',
    },
    sharedMemory: {
      type: 'object',
      description: 'tmpfs at /dev/shm.',
      properties: {
        size: {
          type: 'string',
          pattern: '^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$',
          description: 'Default 8Gi.',
        },
        disabled: { type: 'boolean', description: 'No tmpfs: what the image has at /dev/shm.' },
      },
    },
    activeDeadlineSeconds: {
      ...seconds,
      description: 'How long loading, warm-up and capture may take in all. Default 3600.',
    },
    backoffLimit: {
      type: 'integer',
      format: 'int32',
      minimum: 0,
      description: 'How many more pods the job may try when one fails before its capture. Default 3.',
    },
    ttlSecondsAfterFinished: { type: 'integer', format: 'int32', minimum: 0, description: 'Default 300.' },
  },
} as const;

const sourceRefSchema = {
  type: 'object',
  description: 'Capture a pod that serves already and goes on serving.',
  properties: {
    podName: { ...objectName, description: 'Pod in the same namespace.' },
    selector: {
      type: 'object',
      description: 'Labels; the oldest Ready pod that has them all is captured.',
      required: ['matchLabels'],
      properties: {
        matchLabels: { ...matchLabelsSchema, description: 'Labels with their values; at most 16.' },
      },
    },
    containerName: { ...dnsLabel, description: 'Container to capture; default "main", or the only one.' },
  },
} as const;

/** An artifact that another one has replaced, or will. */
const retiredSchema = {
  type: 'array',
  description: 'Artifacts that were replaced, until their last reader is done and they are deleted.',
  'x-kubernetes-list-type': 'atomic',
  items: {
    type: 'object',
    required: ['uid', 'version', 'since'],
    properties: {
      uid: { type: 'string', description: 'Its folder in the store.' },
      version: { type: 'integer', format: 'int64', description: 'Which capture it was.' },
      nodeName: { type: 'string', description: 'Node whose agent removes it.' },
      since: { type: 'string', format: 'date-time', description: 'When it was replaced.' },
    },
  },
} as const;

const captureStatusSchema = {
  type: 'object',
  description: 'The capture that was asked for last.',
  required: ['key', 'version', 'attempt'],
  properties: {
    key: {
      type: 'string',
      description:
        'Digest of spec.job, spec.source and the recapture annotation: another one asks for a new capture.',
    },
    version: { type: 'integer', format: 'int64', description: 'Counts what was asked for.' },
    attempt: {
      type: 'integer',
      format: 'int64',
      description: "Counts the pods of the version's job that were tried.",
    },
    outcome: { type: 'string', enum: ['Succeeded', 'Failed'], description: 'Absent while it is under way.' },
  },
} as const;

export const checkpointSpecSchema = {
  type: 'object',
  required: ['identity'],
  properties: {
    identity: identitySchema,
    job: jobSchema,
    source: sourceRefSchema,
    gpuMemoryService: {
      type: 'object',
      description: 'Accepted for compatibility with Dynamo; not part of the identity.',
      'x-kubernetes-preserve-unknown-fields': true,
    },
    quiesce: quiesceSchema,
    capture: {
      type: 'object',
      description: 'How the capture is done.',
      properties: {
        timeoutSeconds: { ...seconds, description: 'From assignment to artifact; default 600.' },
        tcp: tcpSchema,
        excludePaths: excludePathsSchema,
      },
    },
    restore: restoreSchema,
    retention: {
      type: 'object',
      description: 'How long the artifact is kept.',
      properties: {
        deletionPolicy: {
          type: 'string',
          enum: ['Delete', 'Retain'],
          description: 'What becomes of the artifact when this object is deleted; default Delete.',
        },
        ttlSecondsAfterReady: {
          ...seconds,
          description: 'This object is deleted so long after it became Ready, once nobody restores from it.',
        },
      },
    },
  },
} as const;

export const checkpointStatusSchema = {
  type: 'object',
  properties: {
    observedGeneration: {
      type: 'integer',
      format: 'int64',
      description: 'metadata.generation that the rest of the status is about.',
    },
    phase: {
      type: 'string',
      enum: checkpointPhases,
      description:
        'Pending: waits for its source. Creating: being captured. Ready: pods can restore from it. Failed: see message.',
    },
    identityHash: { type: 'string', description: 'Hash of spec.identity: 16 hex digits.' },
    location: { type: 'string', description: 'Where the artifact lies in the store.' },
    storageType: { type: 'string', enum: ['pvc', 's3', 'oci'], description: 'Kind of store.' },
    jobName: { type: 'string', description: 'Job that runs the worker, with spec.job.' },
    podName: { type: 'string', description: 'The pod that is or was captured.' },
    assignmentName: { type: 'string', description: 'The SnapshotAssignment of the capture.' },
    createdAt: { type: 'string', format: 'date-time', description: 'When it became Ready.' },
    message: { type: 'string', description: 'What happens or went wrong, for a person.' },
    progress: progressSchema,
    artifact: {
      type: 'object',
      description: 'What pods are restored from.',
      required: ['uid', 'digest', 'sizeBytes', 'size'],
      properties: {
        uid: { type: 'string', description: 'Its folder in the store.' },
        digest: {
          type: 'string',
          description: 'sha256:<hex> of the manifest, which holds the digest of every file.',
        },
        sizeBytes: { type: 'integer', format: 'int64', description: 'All files of it.' },
        size: { type: 'string', description: 'For the SIZE column.' },
        version: {
          type: 'integer',
          format: 'int64',
          description: 'Which of the captures that were asked for it is.',
        },
        wake: {
          ...hooksSchema,
          description: 'How a clone is woken where spec.quiesce is absent; settled at the capture.',
        },
      },
    },
    capture: captureStatusSchema,
    retired: retiredSchema,
    source: sourceSchema,
    timings: timingsSchema,
    restores: {
      type: 'object',
      description: 'How restores from this checkpoint ended.',
      properties: {
        succeeded: { type: 'integer', format: 'int64', description: 'Workers that go on from it.' },
        failed: { type: 'integer', format: 'int64', description: 'Attempts that were taken back.' },
        fellBack: { type: 'integer', format: 'int64', description: 'Cold starts in place of a restore.' },
      },
    },
    conditions: conditionsSchema,
  },
} as const;

export type CheckpointSpec = FromSchema<typeof checkpointSpecSchema>;
export type CheckpointStatus = FromSchema<typeof checkpointStatusSchema>;

export interface DynamoCheckpoint {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: CheckpointSpec;
  readonly status?: CheckpointStatus;
}

export const checkpointDefaults = {
  targetContainerName: 'main',
  sharedMemorySize: '8Gi',
  activeDeadlineSeconds: 3600,
  ttlSecondsAfterFinished: 300,
  backoffLimit: 3,
  captureTimeoutSeconds: 600,
  restoreTimeoutSeconds: 300,
  startupPolicy: 'Immediate',
  waitTimeoutSeconds: 3600,
  fallback: 'ColdStart',
  claimTimeoutSeconds: 10,
  maxAttempts: 2,
} as const;
