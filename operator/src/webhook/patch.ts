/** The JSON patch (RFC 6902) from one pod to another: fields of metadata and spec as a whole, only those that differ; pure. */
import { isDeepStrictEqual } from 'node:util';
import type { V1Pod } from '@kubernetes/client-node';

export interface PatchStep {
  readonly op: 'add';
  readonly path: string;
  readonly value: unknown;
}

/** `add` replaces a member that is there (RFC 6902, 4.1). Nothing that shaping does takes a field of metadata or spec away. */
export const podPatch = (from: V1Pod, to: V1Pod): readonly PatchStep[] =>
  (['metadata', 'spec'] as const).flatMap((part) => {
    const before = (from[part] ?? {}) as Record<string, unknown>;
    return Object.entries(to[part] ?? {})
      .filter(([key, value]) => !isDeepStrictEqual(before[key], value))
      .map(([key, value]) => ({ op: 'add' as const, path: `/${part}/${key}`, value }));
  });
