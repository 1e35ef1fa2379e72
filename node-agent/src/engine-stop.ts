/** When an operation must let go: at its deadline, at the mark in its journal entry, or at a SIGTERM. */
import { watch } from 'node:fs';
import { reason } from '@dynamo-snapshot/api/names';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Instant } from '@dynamo-snapshot/api/time';
import type { JournalEntry } from './journal/entry';

/** A longer one would fire at once (timers of Node are 32 bit). */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The reason of the signal is the error that the operation ends with. */
export function stopSignal(deadline: Instant): AbortController {
  const stop = new AbortController();
  const late = () => stop.abort(new TerminalError(reason.deadlineExceeded, 'it was not done in time'));
  setTimeout(late, Math.min(Math.max(0, deadline - Date.now()), LONGEST_TIMER_MS)).unref();
  const asked = () => stop.abort(new TerminalError(reason.cancelled, 'it was asked to stop by a signal'));
  process.once('SIGTERM', asked);
  return stop;
}

/**
 * No signal has to arrive for this: whoever writes the mark may die right after. The mark may also have been there first, so it is
 * looked for once the watch is on.
 */
export function stopAtMark(entry: JournalEntry, stop: AbortController): void {
  const look = () => {
    const mark = entry.stopMark();
    if (mark !== undefined) stop.abort(new TerminalError(mark.reason, mark.message));
  };
  watch(entry.dir, { persistent: false }, look);
  look();
}
