/** Our process is killed at each of its GPU steps, with everything that it started, as the end of its cgroup would; the journal gives the GPU back. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { cudaStop } from '@dynamo-snapshot/node-agent/cuda/stop';
import { JournalEntry } from '@dynamo-snapshot/node-agent/journal/entry';
import { wordsOf } from '@dynamo-snapshot/node-agent/journal/step';
import { takeAllBack } from '@dynamo-snapshot/node-agent/journal/undo';
import { hostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import { children, processRef } from '@dynamo-snapshot/node-agent/linux/proc';
import type { Place } from './place';
import { benchIo } from './place';
import type { Job } from './cycle';
import { jobOf } from './rounds';
import { say, soFar } from './say';
import { endWorker, roundAfter, roundNow, startWorker } from './worker';

const TIMES = 10;
const GIGABYTES = '1';
const steps = ['gpuLock', 'gpuCheckpoint', 'stopped', 'resuming'] as const;
type Step = (typeof steps)[number];
/** The kill comes somewhere within the step. */
const WITHIN_MS: Readonly<Record<Step, number>> = {
  gpuLock: 30,
  gpuCheckpoint: 500,
  stopped: 5,
  resuming: 400,
};

/** The process that is killed: says which step it begins. */
export async function killable(place: Place, entryDir: string, pid: number, bytes: number): Promise<void> {
  const entry = new JournalEntry(entryDir);
  const io = benchIo(place, 60_000, {
    willUndo: (step) => entry.appendUndo(step),
    onStep: (step) => console.log(`STEP ${step}`),
  });
  const ref = processRef(pid);
  if (ref === undefined) throw new Error(`no process ${pid}`);
  const gpu = await cudaStop({ processes: [ref], bytes, driver: '580' }, io);
  console.log('STEP stopped');
  await delay(20);
  console.log('STEP resuming');
  await gpu.resume();
  console.log('STEP done');
}

export async function killCase(place: Place): Promise<unknown> {
  const worker = await startWorker(place, 'kill', [join(place.home, 'worker'), GIGABYTES], 60_000);
  const job = await jobOf(place, worker);
  const { sum } = roundNow(worker) ?? { sum: '' };
  const served: Partial<Record<Step, number>> = {};
  const faults: string[] = [];
  for (const step of steps)
    for (let i = 0; i < TIMES && faults.length === 0; i++) {
      faults.push(...(await killOnce(job, step, i)));
      const round = await roundAfter(worker, roundNow(worker)?.round ?? 0, 30_000);
      if (round.sum === sum) served[step] = (served[step] ?? 0) + 1;
      soFar({ times: TIMES, served, faults });
      say(step, `${i + 1} of ${TIMES}: ${round.sum === sum ? 'serves' : 'another sum'} ${faults.join('; ')}`);
    }
  say('kill', `served afterwards, of ${TIMES} each: ${JSON.stringify(served)}; ${JSON.stringify(faults)}`);
  await endWorker(worker);
  return { times: TIMES, served, faults };
}

async function killOnce({ place, worker, gpuBytes }: Job, step: Step, i: number): Promise<readonly string[]> {
  const dir = join(place.work, 'journal', `${step}-${i}`);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const args = [process.argv[1] ?? '', 'killable', dir, String(worker.ref.pid), String(gpuBytes)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout }))
    if (line === `STEP ${step}`) {
      await delay((WITHIN_MS[step] * i) / TIMES);
      endAll(child.pid);
    }
  await ended;
  return (await takeAllBack(new JournalEntry(dir).undoSteps())).map(wordsOf);
}

/** It and its helper, which has a session of its own. */
function endAll(pid: number | undefined): void {
  if (pid === undefined) return;
  for (const one of [...children(hostPid(pid)), pid])
    try {
      process.kill(one, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
}
