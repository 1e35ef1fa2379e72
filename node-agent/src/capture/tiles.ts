/** What CRIU dumps without a word, but not whole: a thread that had data in AMX tiles. Its clone would be ended at its next instruction. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { isCoreImage, threadState } from '../criu/core';

/** Throws TilesInUse. */
export function refuseTiles(images: string): void {
  const busy = readdirSync(images)
    .filter(isCoreImage)
    .filter((name) => threadState(name, readFileSync(join(images, name))).tilesInUse);
  if (busy.length > 0)
    throw new TerminalError(
      'TilesInUse',
      `${busy.length} threads were in the midst of work with AMX tiles, which cannot be captured; capture again, or at rest (spec.quiesce)`,
    );
}
