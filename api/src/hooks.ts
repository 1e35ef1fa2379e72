/** Hooks: what an agent asks of a worker around a capture and a restore, for workers that do not watch the control files. */
import type { FromSchema } from 'json-schema-to-ts';

const timeoutSeconds = {
  type: 'integer',
  format: 'int32',
  minimum: 1,
  maximum: 3600,
  description: 'A hook that has not ended by then has failed. Default 30.',
} as const;

const httpSchema = {
  type: 'object',
  description:
    "A request from inside the pod's network: servers that listen on the loopback only are reached too.",
  required: ['port'],
  properties: {
    method: { type: 'string', enum: ['GET', 'POST', 'PUT', 'DELETE'], description: 'Default POST.' },
    path: { type: 'string', pattern: '^/', maxLength: 1024, description: 'With its query. Default /.' },
    port: {
      type: 'integer',
      format: 'int32',
      minimum: 1,
      maximum: 65535,
      description: 'Where the worker listens.',
    },
    expectedStatus: {
      type: 'integer',
      format: 'int32',
      minimum: 100,
      maximum: 599,
      description: 'Default: any of 200 to 299.',
    },
    timeoutSeconds,
  },
} as const;

const execSchema = {
  type: 'object',
  description: 'A command in the target container, as its user; it must exit 0.',
  required: ['command'],
  properties: {
    command: {
      type: 'array',
      description: 'Program and arguments; no shell is involved.',
      minItems: 1,
      maxItems: 32,
      'x-kubernetes-list-type': 'atomic',
      items: { type: 'string', maxLength: 1024 },
    },
    timeoutSeconds,
  },
} as const;

export const hookSchema = {
  type: 'object',
  description: 'Exactly one of http and exec.',
  properties: { http: httpSchema, exec: execSchema },
  'x-kubernetes-validations': [
    { rule: 'has(self.http) != has(self.exec)', message: 'a hook needs exactly one of http and exec' },
  ],
} as const;

export const hooksSchema = {
  type: 'array',
  description: 'Done in this order, one after the other.',
  maxItems: 8,
  'x-kubernetes-list-type': 'atomic',
  items: hookSchema,
} as const;

export const quiesceSchema = {
  type: 'object',
  description:
    'Bring a worker to rest before its capture, and wake it up; for workers that do not watch the control files.',
  properties: {
    beforeCapture: { ...hooksSchema, description: 'On the source, before it is frozen.' },
    afterCapture: {
      ...hooksSchema,
      description:
        'On a source that goes on, and after a capture that failed. Default: the hooks of afterRestore.',
    },
    afterRestore: {
      ...hooksSchema,
      description: 'On the restored worker, before its pod counts as restored.',
    },
  },
} as const;

export type Hook = FromSchema<typeof hookSchema>;

export const hookDefaults = { method: 'POST', path: '/', timeoutSeconds: 30 } as const;
