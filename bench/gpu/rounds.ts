/** Stock against ours on one worker, turn about: each round captures the worker, which goes on, ends it, and restores it, by each path. */
import { rmSync } from 'node:fs';
import { explain } from '@dynamo-snapshot/api/errors';
import type { Timing } from '@dynamo-snapshot/api/schema';
import { Cuda } from '@dynamo-snapshot/node-agent/cuda/client';
import type { Job } from './cycle';
import { capture, cudaPidsOf, restore } from './cycle';
import { diagnose } from './diagnose';
import { mapped, touch } from './machine';
import type { Path } from './paths';
import type { Place } from './place';
import { say, soFar } from './say';
import type { Round, Running, Worker } from './worker';
import { endWorker, roundAfter, roundNow, startWorker } from './worker';

export interface CycleResult {
  readonly path: Path;
  readonly round: number;
  readonly capture: readonly Timing[];
  readonly restore: readonly Timing[];
  /** From the end of the driver's restore until the worker has done a round of work. */
  readonly firstRoundSeconds: number;
  /** Before the capture, after it in the source, and in the restored worker. */
  readonly same: boolean;
}

export interface RoundsResult {
  readonly name: string;
  readonly gpuBytes: number;
  /** From exec until two rounds of work were done, or a server has given the last token of its first answer. */
  readonly coldSeconds: number;
  /** The same of an earlier start, where nothing of what it compiles was there yet. */
  readonly coldEmptySeconds?: number;
  readonly cycles: readonly CycleResult[];
  readonly faults: readonly string[];
}

export interface RoundsPlan {
  readonly name: string;
  readonly argv: readonly string[];
  readonly rounds: number;
  /** No cycle is begun that would probably end after so many seconds. */
  readonly budgetSeconds: number;
}

const SERVES_WITHIN_MS = 60_000;

export async function alternate(place: Place, plan: RoundsPlan): Promise<RoundsResult> {
  const started = performance.now();
  const worker = await startWorker(place, plan.name, plan.argv, 200_000);
  const coldSeconds = secondsSince(started);
  const job = await jobOf(place, worker);
  say(
    plan.name,
    `cold start ${coldSeconds} s, ${(job.gpuBytes / 1e9).toFixed(1)} GB on the GPU, pids ${job.cudaPids.join()}`,
  );
  for (const pid of job.cudaPids) say(plan.name, `process ${pid} maps ${mapped(pid)}`);
  const result = { name: plan.name, gpuBytes: job.gpuBytes, coldSeconds };
  const cycles: CycleResult[] = [];
  const faults: string[] = [];
  const took: Partial<Record<Path, number>> = {};
  for (let round = 1; round <= plan.rounds; round++)
    for (const path of place.paths) {
      const begun = secondsSince(started);
      if (faults.length > 0 || begun + (took[path] ?? 0) > plan.budgetSeconds) continue;
      try {
        cycles.push(await cycle(job, path, round));
        took[path] = secondsSince(started) - begun;
      } catch (error) {
        faults.push(`round ${round} ${path}: ${explain(error)}`);
        say(plan.name, faults.at(-1) ?? '');
        diagnose(place, worker);
      }
      soFar({ ...result, cycles, faults });
    }
  await endWorker(worker);
  return { ...result, cycles, faults };
}

export const secondsSince = (from: number): number => Math.round((performance.now() - from) / 10) / 100;

export async function jobOf<T extends Running>(place: Place, worker: T): Promise<Job<T>> {
  const cuda = new Cuda(place.config.gpu.helper);
  try {
    const { devices = [], driver = '' } = await cuda.call({ call: 'devices' }, 60_000);
    const used = devices.reduce((sum, d) => sum + d.memoryBytes - d.freeBytes, 0);
    return { place, worker, driver, gpuBytes: used, cudaPids: await cudaPidsOf(place, worker) };
  } finally {
    cuda.close();
  }
}

async function cycle(job: Job, path: Path, round: number): Promise<CycleResult> {
  const { worker } = job;
  const before = roundNow(worker);
  // The driver's copy, and the images; ours has the copy in staging memory as well.
  touch(job.place, 3.2 * job.gpuBytes);
  const captured = await capture(path, job);
  const ends = path === 'ours-job';
  const source = ends ? before : await roundAfter(worker, before?.round ?? 0, SERVES_WITHIN_MS);
  await endWorker(worker);
  const last = roundNow(worker);
  touch(job.place, 1.3 * job.gpuBytes);
  const timings = await restore(job, captured);
  const from = performance.now();
  // The worker's number goes back to what it was at the capture.
  const restored = await nextRound(worker, last);
  rmSync(captured.dir, { recursive: true, force: true });
  const same = before?.sum === source?.sum && source?.sum === restored.sum;
  const result = {
    path,
    round,
    capture: captured.timings,
    restore: timings,
    firstRoundSeconds: secondsSince(from),
    same,
  };
  say(`${path} ${round}`, `capture ${told(captured.timings)} | restore ${told(timings)} | same ${same}`);
  return result;
}

/** A round that the restored worker wrote itself: any other than the last one of the ended worker. */
async function nextRound(worker: Worker, last: Round | undefined): Promise<Round> {
  rmSync(worker.file, { force: true });
  const first = await roundAfter(worker, 0, SERVES_WITHIN_MS);
  return last === undefined ? first : roundAfter(worker, first.round, SERVES_WITHIN_MS);
}

export const told = (timings: readonly Timing[]): string =>
  timings.map(({ step, seconds }) => `${step} ${seconds.toFixed(2)}`).join(', ');
