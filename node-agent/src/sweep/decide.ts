/**
 * What becomes of a folder of the store that no object of the cluster names (docs/adr/0040); pure and total. Whatever is not known for
 * certain stays: an orphan is marked first, and goes when it still is one after the time of grace.
 */
import type { ArtifactRef, FolderKind } from '@dynamo-snapshot/api/layout';
import type { Instant } from '@dynamo-snapshot/api/time';

export interface Found {
  readonly ref: ArtifactRef;
  readonly kind: FolderKind;
  /** Whether its manifest is one that we can read, and of this very place. */
  readonly known: boolean;
  readonly retained: boolean;
  /** The latest sign of somebody who writes it. */
  readonly changedAt: Instant;
  /** Since when it is marked. */
  readonly orphanedAt?: Instant;
}

/** UIDs of the artifacts that checkpoints and assignments of a namespace name; undefined where the API server has not said. */
export type Owned = ReadonlySet<string> | undefined;

export type Plan =
  | { readonly do: 'keep' }
  | { readonly do: 'mark' }
  /** Somebody owns it again, or another cluster that shares the store does. */
  | { readonly do: 'unmark' }
  | { readonly do: 'remove' };

const KEEP: Plan = { do: 'keep' };

export function decide(found: Found, owned: Owned, now: Instant, graceMs: number): Plan {
  if (owned === undefined) return KEEP;
  const { ref, kind, orphanedAt } = found;
  // What is being deleted is doomed, whoever owned it.
  if (kind !== 'deleting' && owned.has(ref.uid)) return orphanedAt === undefined ? KEEP : { do: 'unmark' };
  if (found.retained || now - found.changedAt < graceMs) return KEEP;
  if (kind !== 'artifact') return { do: 'remove' };
  if (!found.known) return KEEP;
  if (orphanedAt === undefined) return { do: 'mark' };
  return now - orphanedAt < graceMs ? KEEP : { do: 'remove' };
}
