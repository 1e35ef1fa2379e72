/** Pieces of schema that several objects share. */

export const conditionsSchema = {
  type: 'array',
  description: 'What is true of the object, and since when.',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: { type: 'string', description: 'What it says.' },
      status: {
        type: 'string',
        enum: ['True', 'False', 'Unknown'],
        description: 'Whether it is so.',
      },
      reason: { type: 'string', description: 'Why, in a word; see reasons.md.' },
      message: { type: 'string', description: 'Why, for a person.' },
      lastTransitionTime: { type: 'string', format: 'date-time', description: 'When status changed.' },
      observedGeneration: {
        type: 'integer',
        format: 'int64',
        description: 'metadata.generation that it is about.',
      },
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
    properties: {
      step: { type: 'string', description: 'What was done.' },
      seconds: { type: 'number', minimum: 0, description: 'How long it took.' },
    },
  },
} as const;

export const dnsLabel = {
  type: 'string',
  minLength: 1,
  maxLength: 63,
  pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
} as const;

/** What becomes of TCP connections in a restored worker; the source keeps all of its own. */
export const tcpPolicies = ['close', 'keep-local'] as const;
export type TcpPolicy = (typeof tcpPolicies)[number];

export const tcpSchema = {
  type: 'string',
  enum: tcpPolicies,
  description:
    'TCP connections in a restored worker. close: all are closed. keep-local: those between its own processes live on. Default close.',
} as const;

/** Files of the writable layer that a clone can do without. */
export const excludePathsSchema = {
  type: 'array',
  description:
    'Folders whose changed files are left out of the artifact, unless a process has one of them open: absolute paths, or the last parts of one (`.cache/huggingface`). Default: those of the backend.',
  maxItems: 32,
  'x-kubernetes-list-type': 'atomic',
  items: { type: 'string', minLength: 2, maxLength: 1024, pattern: '^/?[^/]+(/[^/]+)*$' },
} as const;

/** A duration. */
export const seconds = { type: 'integer', format: 'int64', minimum: 1 } as const;

export const objectName = { type: 'string', minLength: 1, maxLength: 253 } as const;

/**
 * Labels that a pod must have, none longer than a label can be. Of all of them together the operator makes one expression for the API
 * server, which takes no long one.
 */
export const matchLabelsSchema = {
  type: 'object',
  minProperties: 1,
  maxProperties: 16,
  additionalProperties: { type: 'string', maxLength: 63 },
  'x-kubernetes-validations': [
    { rule: 'self.all(key, size(key) <= 317)', message: 'no label has a key of more than 317 characters' },
  ],
} as const;

/** Facts of the machine and container that an artifact was taken from. */
export const sourceSchema = {
  type: 'object',
  description: 'Where the artifact was taken from.',
  properties: {
    nodeName: { type: 'string', description: 'Node.' },
    podName: { type: 'string', description: 'Pod.' },
    image: { type: 'string', description: 'Image, as the pod names it.' },
    imageDigest: { type: 'string', description: 'Image, as the node has it; restores need the same.' },
    architecture: { type: 'string', description: 'Of the node.' },
    kernel: { type: 'string', description: 'Of the node.' },
    criuVersion: { type: 'string', description: 'That made the dump.' },
    cpuModel: { type: 'string', description: 'Processor of the node.' },
    cpuFeatures: {
      type: 'array',
      description: 'Instruction sets that the worker may use; a node that lacks one is refused.',
      'x-kubernetes-list-type': 'atomic',
      items: { type: 'string' },
    },
    command: {
      type: 'array',
      description:
        'Command line of the captured container; what a pod without a command of its own runs when it starts cold.',
      items: { type: 'string' },
      'x-kubernetes-list-type': 'atomic',
    },
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
