/**
 * One capture and one restore of a worker, by two paths: `stock`, the driver's calls and CRIU one after the other, as NVIDIA's and CRIU's
 * documents have it, and `ours`, what the engine does; `ours-job` is that for a source which is not wanted any more, as in a job: nobody
 * waits for it, and it does not get its GPU back. CRIU, its options and the store are the same for all.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { DumpPlan } from '@dynamo-snapshot/node-agent/capture/dump';
import { dump } from '@dynamo-snapshot/node-agent/capture/dump';
import { dumpArgs } from '@dynamo-snapshot/node-agent/criu/args';
import { hookFolder } from '@dynamo-snapshot/node-agent/criu/hook';
import { criuProgram } from '@dynamo-snapshot/node-agent/criu/program';
import { Cuda } from '@dynamo-snapshot/node-agent/cuda/client';
import type { CudaCall } from '@dynamo-snapshot/node-agent/cuda/protocol';
import { failureOf } from '@dynamo-snapshot/node-agent/cuda/result';
import { cudaRestore } from '@dynamo-snapshot/node-agent/cuda/stop';
import { command } from '@dynamo-snapshot/node-agent/linux/command';
import type { HostPid, ProcessRef } from '@dynamo-snapshot/node-agent/linux/ids';
import { hostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import { inode, processRef, status } from '@dynamo-snapshot/node-agent/linux/proc';
import type { Behind, Gate } from '@dynamo-snapshot/node-agent/gate/gate';
import { fillBehind, fillTree } from '@dynamo-snapshot/node-agent/restore/fill';
import { imagesOf, openTree, storeTree, withThreads } from './artifact';
import { criuRestore, goOn } from './criu';
import type { Path } from './paths';
import type { BenchIo, Place } from './place';
import { benchIo } from './place';
import type { Beside } from './vllm/beside';
import type { Running, Worker } from './worker';
import { treeOf } from './worker';

/** Of one step: far above anything measured, and far below the limit of a case. */
const limitMs = ({ gpuBytes }: Job<Running>): number => 25_000 + gpuBytes / 0.4e6;

export interface Captured {
  readonly path: Path;
  /** Of the capture: `criu/` and what else belongs to it. */
  readonly dir: string;
  readonly cudaPids: readonly HostPid[];
  readonly timings: readonly Timing[];
}

export interface Job<T extends Running = Worker> {
  readonly place: Place;
  readonly worker: T;
  readonly cudaPids: readonly HostPid[];
  readonly gpuBytes: number;
  readonly driver: string;
  readonly beside?: Beside;
  /** As in a manifest: absent where the worker has no connections. */
  readonly tcp?: 'keep-local';
}

/** The worker goes on, but that of a job. */
export async function capture(path: Path, job: Job<Running>): Promise<Captured> {
  const dir = join(job.place.images, `${path}-${job.worker.ref.pid}`);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(imagesOf(dir), { recursive: true });
  const io = benchIo(job.place, limitMs(job), { watched: job.worker.ref.pid });
  await (path === 'stock' ? captureStock(job, dir, io) : captureOurs(job, dir, io, path === 'ours-job'));
  return { path, dir, cudaPids: job.cudaPids, timings: io.timings() };
}

async function planOf({ place, worker }: Job<Running>, dir: string): Promise<DumpPlan> {
  return {
    program: await criuProgram(place.config.criu, place.config.rlimitShim),
    images: imagesOf(dir),
    pid: worker.ref.pid,
    freezer: worker.group,
    netInode: inode(`/proc/${worker.ref.pid}/ns/net`) ?? 0,
    externalMounts: [],
    join: [],
    hookDir: hookFolder(place.config.work, randomUUID()),
  };
}

async function captureStock(job: Job<Running>, dir: string, io: BenchIo): Promise<void> {
  const { steps } = io;
  const cuda = await upHelper(job.place);
  try {
    await steps.runToEnd('gpuLock', () =>
      each(cuda, job, (pid) => ({ call: 'lock', pid, timeoutMs: 10_000 })),
    );
    await steps.runToEnd('gpuCheckpoint', () => each(cuda, job, (pid) => ({ call: 'checkpoint', pid })));
    const plan = await planOf(job, dir);
    await steps.runToEnd('dump', () => dumpAlone(job, plan, io));
    await steps.runToEnd('gpuResume', () => giveBack(cuda, job));
  } finally {
    cuda.close();
  }
}

/** What lies beside the dump is kept at the end of it; without such, CRIU has no script of ours. */
async function dumpAlone(job: Job<Running>, plan: DumpPlan, io: BenchIo): Promise<void> {
  const { beside } = job;
  if (beside !== undefined) return dump(plan, io, () => kept(beside));
  const { program, ...asked } = plan;
  const argv = dumpArgs({ ...asked, criu: program.path, actionScript: '/bin/true' });
  const { code, stderr } = await command(argv, { env: environment(program.env), deadlineMs: limitMs(job) });
  if (code !== 0) throw new Error(`criu dump: exit ${code}: ${stderr.trim().slice(-300)}`);
}

function kept(beside: Beside | undefined): Promise<void> {
  beside?.keep();
  return Promise.resolve();
}

async function captureOurs(job: Job<Running>, dir: string, io: BenchIo, sourceEnds: boolean): Promise<void> {
  const staging = join(dirname(dir), `.staging-${basename(dir)}`);
  rmSync(staging, { recursive: true, force: true });
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(imagesOf(staging), { recursive: true });
  const plan = await planOf(job, staging);
  const tree = { processes: refs(job.cudaPids), bytes: job.gpuBytes, driver: job.driver };
  const asked = { dir: staging, plan, processes: treeOf(job.worker), gpuBytes: job.gpuBytes, sourceEnds };
  await storeTree({ ...asked, whileFrozen: () => kept(job.beside) }, dir, io, tree);
}

/** The tree has the pids that it had: the worker must have ended. */
export async function restore(
  job: Job<Running>,
  { path, dir, cudaPids }: Captured,
): Promise<readonly Timing[]> {
  job.beside?.layOut();
  // The engine has asked for the devices before; the same is given to both.
  const cuda = await upHelper(job.place);
  const io = benchIo(job.place, limitMs(job), { watched: job.worker.ref.pid });
  const tree = { bytes: job.gpuBytes, driver: job.driver, gpuPairs: [] };
  let gate: Gate | undefined;
  try {
    if (path === 'stock') {
      await io.steps.runToEnd('criu', () => criuRestore(job, imagesOf(dir), limitMs(job)));
      goOn(job);
      await io.steps.runToEnd('gpuRestore', () => giveBack(cuda, job));
    } else {
      gate = await restoreOurs(job, dir, io, (behind) =>
        cudaRestore({ ...tree, processes: refs(cudaPids) }, io, { cuda, behind }),
      );
    }
    return io.timings();
  } finally {
    cuda.close();
    // As the engine does at its end: the worker runs already.
    gate?.close();
  }
}

/** The driver restores while what only it reads is filled in. */
async function restoreOurs(
  job: Job<Running>,
  dir: string,
  io: BenchIo,
  giveGpus: (behind: Behind | undefined) => Promise<void>,
): Promise<Gate | undefined> {
  const work = join(job.place.work, 'restore');
  const view = join(job.place.images, 'view');
  rmSync(view, { recursive: true, force: true });
  const gate = await withThreads(io, async (pool) => {
    const { checked, gate } = await io.steps.runToEnd('verify', () =>
      openTree(dir, view, pool, io, { keepLocal: job.tcp === 'keep-local', work }),
    );
    gate?.serve();
    await io.steps.runToEnd('criu', () => criuRestore(job, imagesOf(view), limitMs(job), gate?.fd));
    const hosts = new Map(treeOf(job.worker).map((pid) => [status(pid)?.nsPids.at(-1) ?? 0, pid]));
    await io.steps.runToEnd('fill', () => fillTree(checked, hosts, pool, io, gate));
    const behind = fillBehind(gate, checked, pool, io);
    goOn(job);
    await giveGpus(behind);
    return gate;
  });
  rmSync(view, { recursive: true, force: true });
  return gate;
}

async function upHelper(place: Place): Promise<Cuda> {
  const cuda = new Cuda(place.config.gpu.helper);
  await cuda.call({ call: 'state', pid: process.pid }, 30_000);
  return cuda;
}

const environment = (more: Readonly<Record<string, string>>): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
  ...more,
});

const refs = (pids: readonly HostPid[]): readonly ProcessRef[] =>
  pids.flatMap((pid) => processRef(pid) ?? []);

async function each(cuda: Cuda, job: Job<Running>, callOf: (pid: number) => CudaCall): Promise<void> {
  for (const pid of job.cudaPids) {
    const call = callOf(pid);
    const answer = await cuda.call(call, limitMs(job));
    if (answer.rc !== 0) throw new Error(failureOf(call, answer));
  }
}

async function giveBack(cuda: Cuda, job: Job<Running>): Promise<void> {
  await each(cuda, job, (pid) => ({ call: 'restore', pid, gpuPairs: [] }));
  await each(cuda, job, (pid) => ({ call: 'unlock', pid }));
}

/** Which of a worker's processes hold CUDA state, by the driver's word. */
export async function cudaPidsOf(place: Place, worker: Running): Promise<readonly HostPid[]> {
  const cuda = new Cuda(place.config.gpu.helper);
  try {
    const answers = await Promise.all(
      treeOf(worker).map(async (pid) => ({ pid, answer: await cuda.call({ call: 'state', pid }, 30_000) })),
    );
    return answers.filter(({ answer }) => answer.rc === 0).map(({ pid }) => hostPid(pid));
  } finally {
    cuda.close();
  }
}
