/** How the restore of one pod ends, as the operator says it by the pod's condition and by what it orders its agent to do; pure. */
import type { V1Pod } from '@kubernetes/client-node';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { isRetryable } from '@dynamo-snapshot/api/assignment';
import { findCondition } from '@dynamo-snapshot/api/conditions';
import { reason, RESTORED_CONDITION, SETTLED_CONDITION } from '@dynamo-snapshot/api/names';
import type { Fallback } from '@dynamo-snapshot/api/standby';

export interface SeenRestore {
  /** Undefined until it was seen; null when it is gone. */
  readonly pod?: V1Pod | null;
  /** Of the pod. */
  readonly assignments: readonly SnapshotAssignment[];
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** A failed attempt ends nothing by itself: the operator may make another (spec.restore.maxAttempts). Undefined = wait on. */
export function verdictOf({ pod, assignments }: SeenRestore): Verdict | undefined {
  if (pod === null) return { ok: false, why: 'it is gone' };
  if (restoredOf(pod)?.status === 'True') return { ok: true };
  const last = lastAttempt(assignments);
  const why = ordered(assignments) ?? decided(last) ?? givenUp(pod, last) ?? ended(pod, last);
  return why === undefined ? undefined : { ok: false, why };
}

/** The end of its waiting: no restore comes after that. */
function ordered(assignments: readonly SnapshotAssignment[]): string | undefined {
  const end = assignments.find(
    ({ spec: { operation } }) => operation === 'ColdStart' || operation === 'Fail',
  );
  if (end === undefined) return undefined;
  const how = end.spec.operation === 'ColdStart' ? 'ColdStart' : 'Fail';
  return `${wordsOf(end.spec.because)}${then[how]}`;
}

/** An attempt after which the agent let the worker start by itself, or after which no other would do better. */
function decided({ status }: Partial<SnapshotAssignment> = {}): string | undefined {
  if (status?.fellBack !== undefined) return `${wordsOf(status)}${then[status.fellBack]}`;
  return status?.phase === 'Failed' && !isRetryable(status.reason) ? wordsOf(status) : undefined;
}

const then: Readonly<Record<Fallback, string>> = {
  ColdStart: '; its worker starts the slow way',
  Fail: '; its container is ended',
};

const givenUp = (pod: V1Pod | undefined, last: SnapshotAssignment | undefined): string | undefined =>
  isGivenUp(pod, last) ? wordsOf(restoredOf(pod)) : undefined;

/** What was restored and has ended at once is told of a little later. */
function ended(pod: V1Pod | undefined, last: SnapshotAssignment | undefined): string | undefined {
  const phase = pod?.status?.phase;
  const hasEnded = phase === 'Failed' || phase === 'Succeeded';
  return hasEnded && last?.status?.phase !== 'Succeeded' ? `it has ended (${phase})` : undefined;
}

interface Because {
  readonly reason?: string;
  readonly message?: string;
}

const wordsOf = (because: Because | undefined): string =>
  [because?.reason ?? reason.restoreFailed, because?.message].filter(Boolean).join(': ');

const restoredOf = (pod: V1Pod | null | undefined) =>
  findCondition(pod?.status?.conditions, RESTORED_CONDITION);

/** What the operator says while nothing is given up, for a person who waits no longer. */
export function waitingFor({ pod }: SeenRestore): string | undefined {
  const condition = restoredOf(pod);
  return condition === undefined ? undefined : wordsOf(condition);
}

/** The last of the attempts: each is younger than the one before, or as young and of a longer name (…, …-2, …-10). */
export function lastAttempt(assignments: readonly SnapshotAssignment[]): SnapshotAssignment | undefined {
  const made = ({ metadata }: SnapshotAssignment) => Date.parse(metadata.creationTimestamp ?? '') || 0;
  return assignments
    .filter((a) => a.spec.operation === 'Restore')
    .sort(
      (a, b) =>
        made(a) - made(b) ||
        a.metadata.name.length - b.metadata.name.length ||
        a.metadata.name.localeCompare(b.metadata.name),
    )
    .at(-1);
}

/**
 * Whether the condition is the last word on the last attempt. It is also False while an attempt is awaited (the checkpoint is not
 * Ready, no agent has taken it yet), and may say so still when that attempt has failed and the next is not made.
 */
function isGivenUp(pod: V1Pod | undefined, last: SnapshotAssignment | undefined): boolean {
  const restored = restoredOf(pod);
  if (restored?.status !== 'False') return false;
  if (findCondition(pod?.status?.conditions, SETTLED_CONDITION)?.status === 'True') return true;
  const { phase = 'Pending', reason: why = reason.restoreFailed } = last?.status ?? {};
  switch (phase) {
    case 'Failed':
      return restored.reason === why;
    case 'Succeeded':
      return restored.reason === reason.restoreUnproven;
    case 'Running':
      return false;
    default:
      return last?.spec.cancelled === true || phase === 'Cancelled';
  }
}
