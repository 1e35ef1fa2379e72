/** Pieces of schema that several objects share. */

export const conditionsSchema = {
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: { type: 'string' },
      status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
      reason: { type: 'string' },
      message: { type: 'string' },
      lastTransitionTime: { type: 'string', format: 'date-time' },
      observedGeneration: { type: 'integer', format: 'int64' },
    },
  },
} as const;

export const timingsSchema = {
  type: 'array',
  description: 'Where the time went, in order.',
  'x-kubernetes-list-type': 'atomic',
  items: {
    type: 'object',
    required: ['step', 'seconds'],
    properties: { step: { type: 'string' }, seconds: { type: 'number', minimum: 0 } },
  },
} as const;

export const dnsLabel = {
  type: 'string',
  minLength: 1,
  maxLength: 63,
  pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
} as const;

export const objectName = { type: 'string', minLength: 1, maxLength: 253 } as const;

/** Facts of the machine and container that an artifact was taken from. */
export const sourceSchema = {
  type: 'object',
  properties: {
    nodeName: { type: 'string' },
    podName: { type: 'string' },
    image: { type: 'string' },
    imageDigest: { type: 'string' },
    architecture: { type: 'string' },
    kernel: { type: 'string' },
    criuVersion: { type: 'string' },
  },
} as const;

export interface Timing {
  readonly step: string;
  readonly seconds: number;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
}
