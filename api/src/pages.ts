/** pages/index.json of an artifact: where each range of memory lies in the shards. Addresses are those of the source's processes. */
import type { FromSchema } from 'json-schema-to-ts';

export const PAGES_VERSION = 1;

const count = { type: 'integer', minimum: 0 } as const;
const positive = { type: 'integer', minimum: 1 } as const;

export const pagesIndexSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['version', 'shards', 'chunks', 'advised'],
  properties: {
    version: { const: PAGES_VERSION },
    shards: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['path', 'sizeBytes'],
        properties: { path: { type: 'string', pattern: '^pages/shard-[0-9]+$' }, sizeBytes: count },
      },
    },
    /** Every byte of every shard belongs to exactly one chunk. */
    chunks: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['pid', 'shard', 'offset', 'digest', 'extents'],
        properties: {
          /** In the tree's own pid namespace. */
          pid: positive,
          shard: count,
          offset: count,
          /** BLAKE3 of the chunk's bytes in the shard. */
          digest: { type: 'string', pattern: '^[0-9a-f]{64}$' },
          /** AES-GCM tag, where the artifact is encrypted. */
          tag: { type: 'string', pattern: '^[A-Za-z0-9+/]{22}==$' },
          /** Address and length in bytes of each range, in the order of the bytes. */
          extents: { type: 'array', minItems: 2, maxItems: 2048, items: positive },
        },
      },
    },
    /** Areas whose advice was changed in CRIU's images, and the advice (a bit for each, madvise(2)) that they had. */
    advised: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['pid', 'start', 'madv'],
        properties: { pid: positive, start: positive, madv: count },
      },
    },
  },
} as const;

export type PagesIndex = FromSchema<typeof pagesIndexSchema>;
export type PagesChunk = PagesIndex['chunks'][number];
export type AdvisedArea = PagesIndex['advised'][number];
