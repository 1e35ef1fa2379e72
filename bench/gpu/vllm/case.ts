/**
 * A real vLLM: cold starts with nothing compiled and with everything compiled, then captures and restores by both paths, turn about. Every
 * time ends with the last token of an answer over HTTP. Told as far as it has come: a run that is broken off has not been in vain.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '@dynamo-snapshot/api/errors';
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { Job } from '../cycle';
import type { Path } from '../paths';
import { capture, restore } from '../cycle';
import { diagnose } from '../diagnose';
import { touch } from '../machine';
import type { Place } from '../place';
import type { CycleResult, RoundsResult } from '../rounds';
import { jobOf, secondsSince, told } from '../rounds';
import { say, soFar } from '../say';
import { endWorker, treeOf } from '../worker';
import { answers, complete, prompts, TOKENS } from './ask';
import { siteOf } from './command';
import type { Model } from './model';
import { folderOf, makeModel } from './model';
import type { Server } from './server';
import { compiledIn, startServer } from './server';

const STARTS_WITHIN_MS = 280_000;
/** A job's source is captured as ours is; its own path would take the time of a round. */
const PATHS: readonly Path[] = ['stock', 'ours'];

export async function vllmCase(place: Place, model: Model, budgetSeconds: number): Promise<unknown> {
  const started = performance.now();
  const name = `vllm-${model.shape}`;
  const { folder, program, rounds } = place.vllm;
  if (program.length === 0 && !existsSync(siteOf(folder))) {
    say(name, 'skipped: no vLLM is unpacked here; npm run bench:pack:vllm makes it, unpack.sh unpacks it');
    return { skipped: 'no vLLM' };
  }
  say(name, `model ${makeModel(join(place.home, 'model.py'), folderOf(place.images, model), model)}`);
  const { server, ...cold } = await coldStarts(place, model, name);
  const job = { ...(await jobOf(place, server)), beside: server.beside, tcp: 'keep-local' as const };
  say(
    name,
    `${(job.gpuBytes / 1e9).toFixed(1)} GB on the GPU, tree ${treeOf(server).join()}, CUDA in ${job.cudaPids.join()}`,
  );
  const result: RoundsResult = { name, gpuBytes: job.gpuBytes, ...cold, cycles: [], faults: [] };
  const reference = await firstReference(server, name);
  const done = await alternately(job, reference, result, rounds, () => budgetSeconds - secondsSince(started));
  await endWorker(server);
  return done;
}

interface Cold {
  readonly server: Server;
  readonly coldSeconds: number;
  readonly coldEmptySeconds?: number;
}

/** The server of the last start is the one that is captured. */
async function coldStarts(place: Place, model: Model, name: string): Promise<Cold> {
  let before: Pick<Cold, 'coldEmptySeconds'> = {};
  for (const kind of place.vllm.starts) {
    if (kind === 'empty') rmSync(compiledIn(place, model), { recursive: true, force: true });
    const from = performance.now();
    const server = await startServer(place, model, STARTS_WITHIN_MS);
    const seconds = secondsSince(from);
    say(name, `cold start to ${TOKENS} tokens, ${kind} compile cache: ${seconds} s`);
    const known = { coldSeconds: seconds, ...before };
    if (kind === 'empty') before = { coldEmptySeconds: seconds };
    soFar({ name, gpuBytes: 0, ...known, cycles: [], faults: [] });
    if (kind === place.vllm.starts.at(-1)) return { server, ...known };
    await endWorker(server);
  }
  throw new Error('BENCH_VLLM_STARTS names no start');
}

async function firstReference({ at }: Server, name: string): Promise<string> {
  const first = await answers(at);
  const reference = await answers(at);
  say(name, `tokens of both prompts: ${first}; from the prefix cache: ${reference}`);
  return reference;
}

async function alternately(
  job: Job<Server>,
  reference: string,
  result: RoundsResult,
  rounds: number,
  secondsLeft: () => number,
): Promise<RoundsResult> {
  const cycles: CycleResult[] = [];
  const faults: string[] = [];
  const took: Partial<Record<Path, number>> = {};
  for (let round = 1; round <= rounds; round++)
    for (const path of PATHS) {
      const from = performance.now();
      if (faults.length > 0 || (took[path] ?? 0) > secondsLeft()) continue;
      try {
        cycles.push(await cycle(job, path, round, reference));
        took[path] = secondsSince(from);
      } catch (error) {
        faults.push(`round ${round} ${path}: ${explain(error)}`);
        say(result.name, faults.at(-1) ?? '');
        diagnose(job.place, job.worker);
      }
      soFar({ ...result, cycles, faults });
    }
  return { ...result, cycles, faults };
}

async function cycle(job: Job<Server>, path: Path, round: number, reference: string): Promise<CycleResult> {
  const { worker, place } = job;
  const before = await answers(worker.at);
  touch(place, 3.2 * job.gpuBytes);
  const captured = await capture(path, job);
  say(
    `${path} ${round}`,
    `capture ${told(captured.timings)}; in shared memory: ${worker.beside.names.join(' ')}`,
  );
  const source = await answers(worker.at);
  await endWorker(worker);
  touch(place, 1.3 * job.gpuBytes);
  const restored = await restore(job, captured);
  const from = performance.now();
  await complete(worker.at, prompts[0]);
  const firstRoundSeconds = secondsSince(from);
  const after = await answers(worker.at);
  rmSync(captured.dir, { recursive: true, force: true });
  const same = [before, source, after].every((hashes) => hashes === reference);
  const timings = withTokens(restored, firstRoundSeconds);
  say(
    `${path} ${round}`,
    `restore ${told(timings)} | same ${same} ${same ? '' : [before, source, after].join(' ')}`,
  );
  return { path, round, capture: captured.timings, restore: timings, firstRoundSeconds, same };
}

/** A restored server is one that has answered. */
export function withTokens(timings: readonly Timing[], seconds: number): readonly Timing[] {
  const total = (timings.find((t) => t.step === 'total')?.seconds ?? 0) + seconds;
  return [
    ...timings.filter((t) => t.step !== 'total'),
    { step: 'tokens', seconds },
    { step: 'total', seconds: total },
  ];
}
