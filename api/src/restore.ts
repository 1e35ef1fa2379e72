/** `spec.restore` of a DynamoCheckpoint: which pods are restored from it, and what they do where that is not possible. */
import { matchLabelsSchema, seconds } from './schema';
import { fallbacks } from './standby';

export const startupPolicies = ['Immediate', 'WaitForCheckpoint'] as const;

export const restoreSchema = {
  type: 'object',
  description: 'How pods are restored from this checkpoint.',
  properties: {
    timeoutSeconds: { ...seconds, description: 'From assignment to restored worker; default 300.' },
    podSelector: {
      type: 'object',
      description: 'New pods that have all these labels are restored with no change to them.',
      required: ['matchLabels'],
      properties: {
        matchLabels: { ...matchLabelsSchema, description: 'Labels, all of them; at most 16.' },
      },
    },
    startupPolicy: {
      type: 'string',
      enum: startupPolicies,
      description:
        'What a pod does that starts before the checkpoint is Ready: start cold (default), or wait.',
    },
    waitTimeoutSeconds: {
      ...seconds,
      description: 'WaitForCheckpoint: after so long the pod does what `fallback` says; default 3600.',
    },
    fallback: {
      type: 'string',
      enum: fallbacks,
      description:
        "Where a restore is not possible: run the container's own command (default), or fail the pod.",
    },
    claimTimeoutSeconds: {
      ...seconds,
      description: 'How long a new pod waits for the agent of its node before it falls back; default 10.',
    },
    maxAttempts: {
      type: 'integer',
      format: 'int32',
      minimum: 1,
      maximum: 10,
      description: 'Restores into one container, where a failure may be cured by a retry; default 2.',
    },
  },
} as const;
