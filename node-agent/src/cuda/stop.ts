/**
 * Takes the GPU away from the processes of a tree before a dump, and gives it back: all are locked before the first is checkpointed,
 * and whatever goes wrong between the first lock and the end, each of them is brought back to work.
 */
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import type { EngineIo } from '../engine-io';
import { remainingMs } from '../engine-io';
import type { ProcessRef } from '../linux/ids';
import type { Pool } from '../memory/pool';
import type { Behind } from '../gate/gate';
import type { MappedArea } from './areas';
import { areasSince, mapsOfAll } from './areas';
import { Cuda } from './client';
import { withHugePages } from './huge-pages';
import { driverLimitMs, estimatedResumeSeconds } from './limits';
import { waves } from './plan';
import { whilePrefaulting } from './prefault';
import type { CudaCall, GpuPair } from './protocol';
import { CUDA_SUCCESS, failureOf } from './result';
import { resumeAll, stateNow } from './resume';

/** What the driver itself needs beyond the time limit of a lock. */
const LOCK_MARGIN_MS = 10_000;

export interface CudaTree {
  /** Holders of CUDA state, parents before their children. */
  readonly processes: readonly ProcessRef[];
  /** What they use on all GPUs; 0 where it is not known. */
  readonly bytes: number;
  readonly driver: string;
}

export interface StoppedCuda {
  /** What has been mapped since; the driver's part of it is gone after `resume`. */
  readonly areas: readonly MappedArea[];
  /** Of a stand-still: since the first lock, and as long as the driver will probably need for `resume`. */
  spentSeconds(): number;
  /** Restored, unlocked, and seen running by the driver's own word; returns the seconds since the first lock. */
  resume(): Promise<number>;
}

/** Has a helper started and the driver answer, before anybody has to wait for it. What goes wrong is told when it is used. */
export async function cudaReady({ processes }: CudaTree, io: EngineIo): Promise<Cuda> {
  const cuda = new Cuda(io.config.gpu.helper);
  await Promise.allSettled(processes.map(({ pid }) => stateNow(cuda, pid)));
  return cuda;
}

export interface Means {
  /** That have nothing else to do until all is stopped: they make the driver faster. */
  readonly threads?: Pool | undefined;
  readonly cuda?: Cuda | undefined;
}

/** Nothing to stop is a tree without processes. Throws CudaLockFailed or CudaCheckpointFailed when all run again. */
export async function cudaStop(
  tree: CudaTree,
  io: EngineIo,
  { threads, cuda = new Cuda(io.config.gpu.helper) }: Means = {},
): Promise<StoppedCuda> {
  const { processes } = tree;
  if (processes.length === 0) return { areas: [], spentSeconds: () => 0, resume: () => Promise.resolve(0) };
  const limitMs = driverLimitMs(tree.bytes);
  const sinceLock = () => (performance.now() - from) / 1000;
  const resume = async () => {
    const begun = performance.now();
    // No step that the operation may give up: this one is done also when it was stopped.
    await resumeAll(cuda, tree, { until: Date.now() + limitMs });
    cuda.close();
    io.steps.note('gpuResume', (performance.now() - begun) / 1000);
    return sinceLock();
  };
  // The helper is up, and the driver answers, before anybody has to wait for it.
  await Promise.all(processes.map(({ pid }) => stateNow(cuda, pid)));
  const { driver } = tree;
  io.willUndo({ do: 'cudaResume', helper: io.config.gpu.helper, processes, driver, limitMs });
  const before = mapsOfAll(tree);
  const from = performance.now();
  try {
    await io.steps.runToEnd('gpuLock', () => lockAll(cuda, processes, io));
    await io.steps.runToEnd('gpuCheckpoint', () =>
      withHugePages(io, () => whilePrefaulting(tree, threads, io, () => checkpointAll(cuda, tree, io))),
    );
  } catch (error) {
    await resumed(resume, error);
    throw error;
  }
  const spentSeconds = () => sinceLock() + estimatedResumeSeconds(tree.bytes);
  return { areas: areasSince(before, tree), spentSeconds, resume };
}

/** One after the other: a process waits here for work of its own that may need the next one. */
async function lockAll(cuda: Cuda, processes: readonly ProcessRef[], io: EngineIo): Promise<void> {
  const timeoutMs = Math.min(io.config.gpu.lockTimeoutMs, remainingMs(io));
  for (const { pid } of processes) {
    io.signal.throwIfAborted();
    await must(cuda, { call: 'lock', pid, timeoutMs }, timeoutMs + LOCK_MARGIN_MS, 'CudaLockFailed');
  }
}

async function checkpointAll(
  cuda: Cuda,
  { processes, bytes, driver }: CudaTree,
  io: EngineIo,
): Promise<void> {
  const limitMs = Math.min(driverLimitMs(bytes), remainingMs(io));
  for (const wave of waves(processes, driver)) {
    io.signal.throwIfAborted();
    await allDone(
      wave.map(({ pid }) => must(cuda, { call: 'checkpoint', pid }, limitMs, 'CudaCheckpointFailed')),
    );
  }
  io.signal.throwIfAborted();
}

export interface ReturnMeans {
  readonly cuda?: Cuda | undefined;
  /** Memory that is filled in meanwhile: nothing is unlocked before all of it is there. */
  readonly behind?: Behind | undefined;
}

export interface CudaReturn extends CudaTree {
  readonly gpuPairs: readonly GpuPair[];
}

/** In restored processes, through a helper that may be up already: all restored, then all unlocked. A failure is not cured: the tree is ended by whoever made it. */
export async function cudaRestore(
  tree: CudaReturn,
  io: EngineIo,
  { cuda = new Cuda(io.config.gpu.helper), behind }: ReturnMeans = {},
): Promise<void> {
  const { processes } = tree;
  if (processes.length === 0) return;
  const limitMs = Math.min(driverLimitMs(tree.bytes), remainingMs(io));
  try {
    await io.steps.runToEnd('gpuRestore', async () => {
      const restored = restoreAll(cuda, tree, limitMs).finally(() => behind?.hurry());
      // Whichever fails first is told: a driver that waits for memory which never comes does not end before its process does.
      await Promise.all([restored, behind?.whole]);
    });
    await io.steps.runToEnd('gpuUnlock', () =>
      allDone(processes.map(({ pid }) => must(cuda, { call: 'unlock', pid }, limitMs, 'CudaRestoreFailed'))),
    );
    await resumeAll(cuda, tree, { until: Date.now() });
  } finally {
    cuda.close();
  }
}

async function restoreAll(
  cuda: Cuda,
  { processes, driver, gpuPairs }: CudaReturn,
  limitMs: number,
): Promise<void> {
  for (const wave of waves(processes, driver))
    await allDone(
      wave.map(({ pid }) => must(cuda, { call: 'restore', pid, gpuPairs }, limitMs, 'CudaRestoreFailed')),
    );
}

async function must(cuda: Cuda, call: CudaCall, deadlineMs: number, reason: string): Promise<void> {
  const answer = await cuda.call(call, deadlineMs);
  if (answer.rc !== CUDA_SUCCESS) throw new TerminalError(reason, failureOf(call, answer));
}

/** Waits for every one, also after the first failure: a call that is under way must not meet its own undoing. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** A failure to give the GPU back is told together with what led to it. */
async function resumed(resume: () => Promise<number>, cause: unknown): Promise<void> {
  try {
    await resume();
  } catch (error) {
    throw new TerminalError('CudaStuck', `${explain(cause)}; then ${explain(error)}`, { cause });
  }
}
