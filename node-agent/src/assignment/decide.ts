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
    /** The result says that something could not be taken back. */
    readonly hasLeft: boolean;
    readonly askedToStop: boolean;
    /** Undefined where the entry cannot be read. */
    readonly deadline: Instant | undefined;
  };
}

export type Plan =
  | { readonly do: 'nothing' }
  | { readonly do: 'start' }
  /** Cancelled before it was begun. */
  | { readonly do: 'refuse' }
  | { readonly do: 'mirror' }
  | { readonly do: 'stop'; readonly mark: StopMark }
  /** The process is dead and left no result, or one that says that not all is taken back. */
  | { readonly do: 'recover' }
  | { readonly do: 'finish' }
  | { readonly do: 'forget' };

export function decide({ assignment, entry }: Observed, now: Instant): Plan {
  const over = assignment === undefined || isFinal(assignment.phase);
  if (entry === undefined) {
    if (over) return { do: 'nothing' };
    return assignment.cancelled ? { do: 'refuse' } : { do: 'start' };
  }
  if (entry.hasResult) return over ? decideEnd(entry, now) : { do: 'finish' };
  if (!entry.alive) return { do: 'recover' };
  const mark = entry.askedToStop ? undefined : stopMark(assignment, entry.deadline, now);
  return mark === undefined ? { do: 'mirror' } : { do: 'stop', mark };
}

/** What is left is told to a person and tried again; but what names it must not stay for ever, unless nobody knows since when. */
const TAKE_BACK_FOR_MS = 3_600_000;

const decideEnd = ({ hasLeft, deadline }: NonNullable<Observed['entry']>, now: Instant): Plan =>
  hasLeft && (deadline === undefined || now < deadline + TAKE_BACK_FOR_MS)
    ? { do: 'recover' }
    : { do: 'forget' };

function stopMark(
  assignment: Observed['assignment'],
  deadline: Instant | undefined,
  now: Instant,
): StopMark | undefined {
  if (deadline === undefined) return { reason: 'Cancelled', message: 'its journal entry cannot be read' };
  if (assignment === undefined) return { reason: 'Cancelled', message: 'its assignment was deleted' };
  if (isFinal(assignment.phase)) return { reason: 'Cancelled', message: 'its assignment is over' };
  if (assignment.cancelled) return { reason: 'Cancelled', message: 'it was cancelled' };
  return now > deadline ? { reason: 'DeadlineExceeded', message: 'it was not done in time' } : undefined;
}
