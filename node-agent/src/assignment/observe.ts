/** The state of an assignment: the object in the cache, and its entry in the journal. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { JournalEntry } from '../journal/entry';
import { isAlive } from '../linux/proc';
import type { Observed } from './decide';

export function observe(assignment: SnapshotAssignment | undefined, entry: JournalEntry): Observed {
  const { spec, status } = assignment ?? {};
  return {
    ...(spec === undefined
      ? {}
      : { assignment: { phase: status?.phase, cancelled: spec.cancelled === true } }),
    ...(entry.exists ? { entry: observeEntry(entry) } : {}),
  };
}

function observeEntry(entry: JournalEntry): NonNullable<Observed['entry']> {
  const process = entry.process();
  const result = entry.result();
  return {
    alive: process !== undefined && isAlive(process),
    hasResult: result !== undefined,
    hasLeft: result?.ok === false && result.left !== undefined,
    askedToStop: entry.stopMark() !== undefined,
    deadline: entry.asked()?.deadline,
  };
}
