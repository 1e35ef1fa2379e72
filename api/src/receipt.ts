/** What nsrestore prints on stdout (one line of JSON) and what an agent puts on the assignment: the proof of a restore. */
import type { FromSchema } from 'json-schema-to-ts';

export const receiptSchema = {
  type: 'object',
  description: 'Restore: the proof of it.',
  required: ['artifactDigest', 'restoredPid', 'steps'],
  properties: {
    artifactDigest: { type: 'string', description: 'sha256:<hex> of the manifest that was restored.' },
    restoredPid: {
      type: 'integer',
      format: 'int32',
      minimum: 2,
      description: 'In the pid namespace of standby.',
    },
    hostPid: { type: 'integer', format: 'int32', minimum: 2, description: 'Filled in by the agent.' },
    processes: { type: 'integer', format: 'int32', minimum: 1, description: 'Tasks in the restored tree.' },
    bytes: {
      type: 'integer',
      format: 'int64',
      minimum: 0,
      description: 'Size of the artifact that was read.',
    },
    filesWritten: {
      type: 'integer',
      format: 'int64',
      minimum: 0,
      description: 'In the root file system and volumes.',
    },
    filesDeleted: {
      type: 'integer',
      format: 'int64',
      minimum: 0,
      description: 'That the image has and the source had deleted.',
    },
    steps: {
      type: 'array',
      description: 'Where the time went inside nsrestore.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        required: ['step', 'seconds'],
        properties: {
          step: { type: 'string', description: 'What was done.' },
          seconds: { type: 'number', minimum: 0, description: 'How long it took.' },
        },
      },
    },
  },
} as const;

export type Receipt = FromSchema<typeof receiptSchema>;
