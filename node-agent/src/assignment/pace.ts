/** How often the status of a running operation is written; pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Instant } from '@dynamo-snapshot/api/time';
import type { StatusFile } from '../journal/entry';

/** How often at most: for another step, where nothing but the progress changes; and how often at least. */
const STEP_MS = 200;
const PROGRESS_MS = 1000;
export const HEARTBEAT_MS = 10_000;

export interface Written {
  readonly file: StatusFile | undefined;
  readonly at: Instant;
}

/** A new step is told at once unless steps are short, progress each second, and that it is alive each few seconds; nothing else is. */
export function nextWriteMs(last: Written | undefined, file: StatusFile | undefined, now: Instant): number {
  // The clock may have been set back: what was written has a time that is still to come.
  if (last === undefined || now < last.at) return 0;
  if (last.file?.progress.step !== file?.progress.step) return last.at + STEP_MS - now;
  const every = isDeepStrictEqual(last.file, file) ? HEARTBEAT_MS : PROGRESS_MS;
  return last.at + every - now;
}
