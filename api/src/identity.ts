/** The identity of what a worker has loaded, and the hash under which its checkpoint is found again. */
import { createHash } from 'node:crypto';
import type { FromSchema } from 'json-schema-to-ts';
import { backendNames } from './backends';

const text = { type: 'string', minLength: 1 } as const;
const count = { type: 'integer', format: 'int32', minimum: 1 } as const;

export const identitySchema = {
  type: 'object',
  description: 'What the worker has loaded. Two workers with the same identity may use the same checkpoint.',
  required: ['model', 'backendFramework'],
  properties: {
    model: { ...text, description: 'Model name, e.g. Qwen/Qwen3-0.6B.' },
    backendFramework: {
      type: 'string',
      enum: backendNames,
      description: 'Engine that serves the model.',
    },
    dynamoVersion: { type: 'string', description: 'Version of Dynamo, where the worker depends on it.' },
    tensorParallelSize: { ...count, description: 'Defaults to 1.' },
    pipelineParallelSize: { ...count, description: 'Defaults to 1.' },
    dtype: { type: 'string', description: 'e.g. bfloat16.' },
    maxModelLen: { ...count, description: 'Longest context in tokens.' },
    extraParameters: {
      type: 'object',
      description: 'Whatever else tells two workers apart.',
      additionalProperties: { type: 'string' },
    },
  },
} as const;

export type Identity = FromSchema<typeof identitySchema>;

/**
 * 16 lower-case hex digits: SHA-256 over compact JSON with sorted keys; parallel sizes default to 1, empty optionals are left
 * out. `<`, `>`, `&`, U+2028 and U+2029 are escaped as Go's encoder does, so that hashes agree with those that upstream publishes.
 */
export function identityHash(identity: Identity): string {
  const full = {
    ...identity,
    tensorParallelSize: identity.tensorParallelSize || 1,
    pipelineParallelSize: identity.pipelineParallelSize || 1,
  };
  const kept = Object.fromEntries(Object.entries(full).filter(([, value]) => !isEmpty(value))) as {
    [key: string]: Json;
  };
  return createHash('sha256').update(canonicalJson(kept)).digest('hex').slice(0, 16);
}

export const IDENTITY_HASH = /^[0-9a-f]{16}$/;

type Json = string | number | { readonly [key: string]: Json };

function canonicalJson(value: Json): string {
  if (typeof value !== 'object') return goEscaped(JSON.stringify(value));
  const fields = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, v]) => `${goEscaped(JSON.stringify(key))}:${canonicalJson(v)}`);
  return `{${fields.join(',')}}`;
}

/** Empty optionals of the identity are left out; an empty value inside extraParameters is a value. */
const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === 0 ||
  value === '' ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

const goEscaped = (json: string): string =>
  json.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
