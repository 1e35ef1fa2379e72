/** What to do about an assignment of this node; pure and total. */
import type { AssignmentPhase } from '@dynamo-snapshot/api/assignment';
import { isFinal } from '@dynamo-snapshot/api/assignment';
import type { Instant } from '@dynamo-snapshot/api/time';

export interface Observed {
  /** Absent when the object is gone. */
  readonly assignment?: { readonly phase: AssignmentPhase | undefined; readonly cancelled: boolean };
  /** The journal entry, where the operation has been begun. */
  readonly entry?: {
    readonly alive: boolean;
    readonly hasResult: boolean;
    readonly askedToCancel: boolean;
    readonly deadline: Instant;
  };
}

export type Plan =
  | { readonly do: 'nothing' }
  | { readonly do: 'start' }
  /** Cancelled before it was begun. */
  | { readonly do: 'refuse' }
  | { readonly do: 'mirror' }
  | { readonly do: 'cancel' }
  /** The process is dead and left no result. */
  | { readonly do: 'undo' }
  | { readonly do: 'finish' }
  | { readonly do: 'forget' };

export function decide({ assignment, entry }: Observed, now: Instant): Plan {
  const over = assignment === undefined || isFinal(assignment.phase);
  if (entry === undefined) {
    if (over) return { do: 'nothing' };
    return assignment.cancelled ? { do: 'refuse' } : { do: 'start' };
  }
  if (entry.hasResult) return over ? { do: 'forget' } : { do: 'finish' };
  if (!entry.alive) return { do: 'undo' };
  const unwanted = over || assignment.cancelled || now > entry.deadline;
  return unwanted && !entry.askedToCancel ? { do: 'cancel' } : { do: 'mirror' };
}
