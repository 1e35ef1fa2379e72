/** What to do about an assignment of this node; pure and total. */
import type { AssignmentPhase } from '@dynamo-snapshot/api/assignment';
import { isFinal } from '@dynamo-snapshot/api/assignment';
import type { Instant } from '@dynamo-snapshot/api/time';
import type { StopMark } from '../journal/entry';

export interface Observed {
  /** Absent when the object is gone. */
  readonly assignment?: { readonly phase: AssignmentPhase | undefined; readonly cancelled: boolean };
  /** The journal entry, where the operation has been begun. */
  readonly entry?: {
    readonly alive: boolean;
    readonly hasResult: boolean;
    readonly askedToStop: boolean;
    readonly deadline: Instant;
  };
}

export type Plan =
  | { readonly do: 'nothing' }
  | { readonly do: 'start' }
  /** Cancelled before it was begun. */
  | { readonly do: 'refuse' }
  | { readonly do: 'mirror' }
  | { readonly do: 'stop'; readonly mark: StopMark }
  /** The process is dead and left no result. */
  | { readonly do: 'recover' }
  | { readonly do: 'finish' }
  | { readonly do: 'forget' };

export function decide({ assignment, entry }: Observed, now: Instant): Plan {
  const over = assignment === undefined || isFinal(assignment.phase);
  if (entry === undefined) {
    if (over) return { do: 'nothing' };
    return assignment.cancelled ? { do: 'refuse' } : { do: 'start' };
  }
  if (entry.hasResult) return over ? { do: 'forget' } : { do: 'finish' };
  if (!entry.alive) return { do: 'recover' };
  const mark = entry.askedToStop ? undefined : stopMark(assignment, now > entry.deadline);
  return mark === undefined ? { do: 'mirror' } : { do: 'stop', mark };
}

function stopMark(assignment: Observed['assignment'], late: boolean): StopMark | undefined {
  if (assignment === undefined) return { reason: 'Cancelled', message: 'its assignment was deleted' };
  if (isFinal(assignment.phase)) return { reason: 'Cancelled', message: 'its assignment is over' };
  if (assignment.cancelled) return { reason: 'Cancelled', message: 'it was cancelled' };
  return late ? { reason: 'DeadlineExceeded', message: 'it was not done in time' } : undefined;
}
