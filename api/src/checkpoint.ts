/** DynamoCheckpoint: what a person applies. Schema, type and CRD come from the constants here. */
import type { FromSchema } from 'json-schema-to-ts';
import { identitySchema } from './identity';
import { progressSchema } from './progress';
import type { ObjectMeta } from './schema';
import { conditionsSchema, dnsLabel, objectName, sourceSchema, timingsSchema } from './schema';

export const checkpointPhases = ['Pending', 'Creating', 'Ready', 'Failed'] as const;
export type CheckpointPhase = (typeof checkpointPhases)[number];

const seconds = { type: 'integer', format: 'int64', minimum: 1 } as const;

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
        disabled: { type: 'boolean' },
      },
    },
    activeDeadlineSeconds: { ...seconds, description: 'Default 3600.' },
    backoffLimit: { type: 'integer', format: 'int32', minimum: 0, description: 'Default 0.' },
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
        matchLabels: { type: 'object', minProperties: 1, additionalProperties: { type: 'string' } },
      },
    },
    containerName: { ...dnsLabel, description: 'Container to capture; default "main", or the only one.' },
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
    capture: {
      type: 'object',
      properties: {
        timeoutSeconds: { ...seconds, description: 'From assignment to artifact; default 600.' },
      },
    },
    restore: {
      type: 'object',
      properties: {
        timeoutSeconds: { ...seconds, description: 'From assignment to restored worker; default 300.' },
      },
    },
    retention: {
      type: 'object',
      properties: {
        deletionPolicy: {
          type: 'string',
          enum: ['Delete', 'Retain'],
          description: 'What becomes of the artifact when this object is deleted; default Delete.',
        },
      },
    },
  },
} as const;

export const checkpointStatusSchema = {
  type: 'object',
  properties: {
    observedGeneration: { type: 'integer', format: 'int64' },
    phase: { type: 'string', enum: checkpointPhases },
    identityHash: { type: 'string' },
    location: { type: 'string', description: 'Where the artifact lies in the store.' },
    storageType: { type: 'string', enum: ['pvc', 's3', 'oci'] },
    jobName: { type: 'string' },
    podName: { type: 'string', description: 'The pod that is or was captured.' },
    assignmentName: { type: 'string', description: 'The SnapshotAssignment of the capture.' },
    createdAt: { type: 'string', format: 'date-time', description: 'When it became Ready.' },
    message: { type: 'string' },
    progress: progressSchema,
    artifact: {
      type: 'object',
      required: ['uid', 'digest', 'sizeBytes', 'size'],
      properties: {
        uid: { type: 'string' },
        digest: {
          type: 'string',
          description: 'sha256:<hex> of the manifest, which holds the digest of every file.',
        },
        sizeBytes: { type: 'integer', format: 'int64' },
        size: { type: 'string', description: 'For the SIZE column.' },
      },
    },
    source: sourceSchema,
    timings: timingsSchema,
    restores: {
      type: 'object',
      properties: {
        succeeded: { type: 'integer', format: 'int64' },
        failed: { type: 'integer', format: 'int64' },
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
  backoffLimit: 0,
  captureTimeoutSeconds: 600,
  restoreTimeoutSeconds: 300,
} as const;
