/**
 * How many restores a checkpoint has seen. Assignments go with their pods, so the figures live in the checkpoint's status; each
 * assignment is first marked with its number, so that it is counted once whenever the operator stops; pure.
 */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { annotation } from '@dynamo-snapshot/api/names';

export const restoreOutcomes = ['succeeded', 'failed', 'fellBack'] as const;
export type RestoreOutcome = (typeof restoreOutcomes)[number];
export type Counts = Readonly<Record<RestoreOutcome, number>>;

export interface Mark {
  readonly assignment: string;
  readonly outcome: RestoreOutcome;
  readonly number: number;
}

export interface Restores {
  readonly counts: Counts;
  /** To be written before the counts. */
  readonly marks: readonly Mark[];
  /** The status says something else. */
  readonly changed: boolean;
}

function outcomeOf(assignment: SnapshotAssignment, podIsThere: boolean): RestoreOutcome | undefined {
  const { spec, status } = assignment;
  if (spec.operation === 'ColdStart') return status?.phase === 'Succeeded' ? 'fellBack' : undefined;
  if (spec.operation !== 'Restore') return undefined;
  if (status?.phase === 'Succeeded') return 'succeeded';
  if (startedCold(assignment)) return podIsThere ? 'fellBack' : undefined;
  return status?.phase === 'Failed' ? 'failed' : undefined;
}

/** The agent says that it fell back; or no agent took it, and standby did so by itself, as admission told it to. */
function startedCold({ spec, status }: SnapshotAssignment): boolean {
  if (status?.fellBack !== undefined) return status.fellBack === 'ColdStart';
  return status?.phase === 'Cancelled' && status.startedAt === undefined && spec.fallback === 'ColdStart';
}

export const markText = ({ outcome, number }: Pick<Mark, 'outcome' | 'number'>): string =>
  `${outcome}/${number}`;

function markOf({ metadata }: SnapshotAssignment): Pick<Mark, 'outcome' | 'number'> | undefined {
  const [outcome, number] = metadata.annotations?.[annotation.counted]?.split('/') ?? [];
  const known = restoreOutcomes.find((o) => o === outcome);
  return known === undefined ? undefined : { outcome: known, number: Number(number) || 0 };
}

export function restoresOf(
  { status }: DynamoCheckpoint,
  assignments: readonly SnapshotAssignment[],
  podIsThere: (assignment: SnapshotAssignment) => boolean,
): Restores {
  const old = status?.restores ?? {};
  const counts = { succeeded: old.succeeded ?? 0, failed: old.failed ?? 0, fellBack: old.fellBack ?? 0 };
  for (const mark of assignments.map(markOf))
    if (mark !== undefined) counts[mark.outcome] = Math.max(counts[mark.outcome], mark.number);
  const marks = assignments.flatMap((a) => {
    const outcome = outcomeOf(a, podIsThere(a));
    if (outcome === undefined || markOf(a) !== undefined) return [];
    counts[outcome] += 1;
    return [{ assignment: a.metadata.name, outcome, number: counts[outcome] }];
  });
  const changed = restoreOutcomes.some((o) => counts[o] !== (old[o] ?? 0));
  return { counts, marks, changed };
}
