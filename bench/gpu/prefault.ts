/** Whether the driver's checkpoint is faster with its memory touched side by side: captures of one worker, turn about. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture } from './cycle';
import { touch } from './machine';
import type { Place } from './place';
import { prefaultMark, withPrefault } from './place';
import { median } from './report';
import { jobOf } from './rounds';
import { say, soFar } from './say';
import { endWorker, roundAfter, roundNow, startWorker } from './worker';

const GIGABYTES = '24';
const ROUNDS = 2;
const CLEARLY = 1.1;

export async function prefaultCase(place: Place): Promise<unknown> {
  const worker = await startWorker(place, 'prefault', [join(place.home, 'worker'), GIGABYTES], 60_000);
  const job = await jobOf(place, worker);
  const { sum } = roundNow(worker) ?? { sum: '' };
  const seconds: Record<'without' | 'with', number[]> = { without: [], with: [] };
  let right = true;
  for (let i = 0; i < ROUNDS * 2 && right; i++) {
    const which = i % 2 === 0 ? 'without' : 'with';
    touch(place, 3.2 * job.gpuBytes);
    const before = roundNow(worker)?.round ?? 0;
    const sampled = sample(worker.ref.pid);
    const config = withPrefault(place.config, which === 'with');
    const { dir, timings } = await capture('ours', { ...job, place: { ...place, config } });
    say(which, `${JSON.stringify(timings)}; GB of addresses and of memory: ${sampled()}`);
    right = (await roundAfter(worker, before, 30_000)).sum === sum;
    seconds[which].push(timings.find((t) => t.step === 'gpuCheckpoint')?.seconds ?? 0);
    rmSync(dir, { recursive: true, force: true });
    soFar({ seconds, right });
  }
  await endWorker(worker);
  const pays = right && median(seconds.with) * CLEARLY < median(seconds.without);
  if (pays) writeFileSync(prefaultMark(place.work), '');
  return { seconds, right, pays };
}

/** VmSize and VmRSS ten times a second. */
function sample(pid: number): () => string {
  const seen: string[] = [];
  const timer = setInterval(() => {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    const gigabytes = (name: string) =>
      (Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1]) / 976_562.5).toFixed(1);
    const now = `${gigabytes('VmSize')}/${gigabytes('VmRSS')}`;
    if (now !== seen.at(-1)) seen.push(now);
  }, 100);
  return () => {
    clearInterval(timer);
    return seen.join(' ');
  };
}
