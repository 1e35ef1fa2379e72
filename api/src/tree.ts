/** What a process tree has, in few words: taken while the source stands still, looked for again in what was restored from it. */
import type { FromSchema } from 'json-schema-to-ts';

const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;

export const processSchema = {
  type: 'object',
  required: ['nsPid', 'parent', 'name', 'threads', 'fds', 'listening', 'locks', 'limits', 'oomScoreAdj'],
  properties: {
    /** In the innermost pid namespace: the same in every clone. */
    nsPid: { type: 'integer', minimum: 1 },
    /** nsPid of the parent; 0 for the root. */
    parent: count,
    name: text,
    threads: { type: 'integer', minimum: 1 },
    fds: count,
    /** "tcp 0.0.0.0:8000", "tcp6 [::]:8000", "unix /path", "unix @abstract"; sorted. */
    listening: { type: 'array', items: text },
    /** "POSIX WRITE 0-EOF /data/db"; sorted. */
    locks: { type: 'array', items: text },
    /** Index into `limits`: the processes of a tree mostly share them. */
    limits: count,
    oomScoreAdj: { type: 'integer', minimum: -1000, maximum: 1000 },
  },
} as const;

export const treeSchema = {
  type: 'object',
  required: ['processes', 'limits'],
  properties: {
    /** The root first; zombies are left out. */
    processes: { type: 'array', items: processSchema },
    limits: {
      type: 'array',
      items: {
        type: 'object',
        /** Resource as /proc/PID/limits names it -> soft and hard limit, a number or "unlimited". */
        additionalProperties: { type: 'array', items: text, minItems: 2, maxItems: 2 },
      },
    },
  },
} as const;

export type TreeFacts = FromSchema<typeof treeSchema>;
export type ProcessFacts = FromSchema<typeof processSchema>;
