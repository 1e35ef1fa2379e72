/** The facts that everything else stands on, and one cycle by each path. Three minutes. */
import { join } from 'node:path';
import { explain } from '@dynamo-snapshot/api/errors';
import { Cuda } from '@dynamo-snapshot/node-agent/cuda/client';
import type { CudaCall } from '@dynamo-snapshot/node-agent/cuda/protocol';
import { captureReasons } from '@dynamo-snapshot/node-agent/gpu/decide';
import { gpuContainer } from '@dynamo-snapshot/node-agent/gpu/discover';
import { observeGpu } from '@dynamo-snapshot/node-agent/gpu/observe';
import type { Job } from './cycle';
import { capture, cudaPidsOf, restore } from './cycle';
import { diagnose } from './diagnose';
import type { Path } from './paths';
import type { Place } from './place';
import { mapped } from './machine';
import { say } from './say';
import type { Worker } from './worker';
import { endWorker, roundAfter, roundNow, startWorker } from './worker';

const GIB = 2 ** 30;

export async function smoke(place: Place): Promise<unknown> {
  const cuda = new Cuda(place.config.gpu.helper);
  const devices = await cuda.call({ call: 'devices' }, 60_000);
  say('devices', JSON.stringify(devices));
  say('a process without CUDA', await tell(cuda, { call: 'state', pid: process.pid }));
  say('a pid that is not there', await tell(cuda, { call: 'state', pid: 4_000_000 }));
  const cycles = await oneGigabyte(place, cuda, devices.driver ?? '');
  const managed = await trouble('managed memory', () => managedMemory(place, cuda));
  cuda.close();
  return { devices, cycles, managed };
}

async function oneGigabyte(place: Place, cuda: Cuda, driver: string): Promise<unknown> {
  const worker = await startWorker(place, 'smoke', [join(place.home, 'worker'), '1'], 60_000);
  const { pid } = worker.ref;
  say('state', await tell(cuda, { call: 'state', pid }));
  say('restore thread', await tell(cuda, { call: 'restoreThread', pid }));
  say('devices while it works', JSON.stringify(await cuda.call({ call: 'devices' }, 60_000)));
  say('mapped', mapped(pid));
  const cudaPids = await cudaPidsOf(place, worker);
  const job: Job = { place, worker, cudaPids, gpuBytes: GIB, driver };
  const results: unknown[] = [];
  for (const path of ['stock', 'ours'] as const)
    results.push(
      await trouble(
        path,
        () => cycle(path, job),
        () => diagnose(place, worker),
      ),
    );
  await endWorker(worker).catch((error: unknown) => say('end', explain(error)));
  return results;
}

async function cycle(path: Path, job: Job): Promise<unknown> {
  const { worker } = job;
  const before = roundNow(worker);
  const captured = await capture(path, job);
  say(`${path} capture`, JSON.stringify(captured.timings));
  const source = await roundAfter(worker, before?.round ?? 0, 30_000);
  await endWorker(worker);
  const timings = await restore(job, captured);
  say(`${path} restore`, JSON.stringify(timings));
  const restored = await roundAfter(worker, source.round, 30_000);
  const same = before?.sum === source.sum && source.sum === restored.sum;
  say(`${path} sums`, JSON.stringify({ before, source, restored, same }));
  return { path, capture: captured.timings, restore: timings, same };
}

/** How a process with such memory looks beside one without. */
export async function managed(place: Place): Promise<unknown> {
  const plain = await startWorker(place, 'plain', [join(place.home, 'worker'), '0.0625'], 60_000);
  const without = { mapped: mapped(plain.ref.pid), reasons: await reasonsAgainst(place, plain) };
  await endWorker(plain);
  const cuda = new Cuda(place.config.gpu.helper);
  try {
    const with_ = await managedMemory(place, cuda);
    if (without.reasons.length !== 0 || with_.reasons.length !== 1)
      throw new Error(`refused: ${JSON.stringify(without.reasons)}, and ${JSON.stringify(with_.reasons)}`);
    return { without, with: with_ };
  } finally {
    cuda.close();
  }
}

/** Against a capture; by the engine's own rules. */
async function reasonsAgainst({ config }: Place, { ref }: Worker): Promise<readonly string[]> {
  const worker = { ref, name: 'worker', openPaths: ['/dev/nvidia0'] };
  return captureReasons(await observeGpu([worker], gpuContainer(ref.pid, undefined), config.gpu), {});
}

/** What the driver says about memory that it cannot checkpoint, and how such a process looks from outside. */
async function managedMemory(place: Place, cuda: Cuda): Promise<{ readonly reasons: readonly string[] }> {
  const worker = await startWorker(
    place,
    'managed',
    [join(place.home, 'worker'), '--managed', '0.0625'],
    60_000,
  );
  const { pid } = worker.ref;
  const said = {
    mapped: mapped(pid),
    reasons: await reasonsAgainst(place, worker),
    lock: await tell(cuda, { call: 'lock', pid, timeoutMs: 5000 }),
    checkpoint: await tell(cuda, { call: 'checkpoint', pid }),
    state: await tell(cuda, { call: 'state', pid }),
    restore: await tell(cuda, { call: 'restore', pid, gpuPairs: [] }),
    unlock: await tell(cuda, { call: 'unlock', pid }),
  };
  say('managed memory', JSON.stringify(said));
  await endWorker(worker);
  return said;
}

const tell = async (cuda: Cuda, call: CudaCall): Promise<string> => {
  const from = performance.now();
  const answer = await cuda.call(call, 15_000);
  return `${JSON.stringify(answer)} in ${Math.round(performance.now() - from)} ms`;
};

async function trouble(
  what: string,
  work: () => Promise<unknown>,
  diagnosis: () => void = () => {},
): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    say(`${what} failed`, explain(error));
    diagnosis();
    return { failed: explain(error) };
  }
}
