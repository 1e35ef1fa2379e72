/** A worker that goes on serving is captured twenty times in a row. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { capture } from './cycle';
import type { Place } from './place';
import { jobOf } from './rounds';
import { say } from './say';
import { endWorker, roundAfter, roundNow, startWorker } from './worker';

const CAPTURES = 20;
const GIGABYTES = '1';

export async function twenty(place: Place): Promise<unknown> {
  const worker = await startWorker(place, 'twenty', [join(place.home, 'worker'), GIGABYTES], 60_000);
  const job = await jobOf(place, worker);
  const { sum } = roundNow(worker) ?? { sum: '' };
  const seconds: number[] = [];
  let served = 0;
  for (let i = 0; i < CAPTURES; i++) {
    const before = roundNow(worker)?.round ?? 0;
    const { dir, timings } = await capture('ours', job);
    const after = await roundAfter(worker, before, 30_000);
    if (after.sum === sum) served += 1;
    seconds.push(timings.at(-1)?.seconds ?? 0);
    rmSync(dir, { recursive: true, force: true });
  }
  say(
    'twenty',
    `${served} of ${CAPTURES} captures left the worker serving with the same sum; seconds each: ${seconds.join(' ')}`,
  );
  await endWorker(worker);
  return { captures: CAPTURES, served, seconds };
}
