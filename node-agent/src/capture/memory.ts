/**
 * Dumps a tree with our own parallel copy of its memory (docs/adr/0016). CRIU is asked for its own pages instead where the copy
 * cannot be proven whole: the source stands still once more, and the manifest says so.
 */
import { readFileSync, statfsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { EngineIo } from '../engine-io';
import { unlessStopped } from '../engine-io';
import type { HostPid } from '../linux/ids';
import { hugeBytesFree, memInfo, ownBytes } from '../linux/proc';
import type { Copied } from '../memory/copy';
import { MemoryCopy } from '../memory/copy';
import { hugeShare, makesRoom, stagingFor, threadsFor } from '../memory/decide';
import { whenSeized } from '../linux/seized';
import type { Pool } from '../memory/pool';
import { linkNullPages, removeNullLinks } from '../memory/images';
import { dump } from './dump';
import type { DumpPlan } from './dump';

export interface MemoryDump {
  /** Of the artifact, below which the plan's images lie. */
  readonly dir: string;
  readonly plan: DumpPlan;
  readonly processes: readonly HostPid[];
  /** What the driver will copy from the GPUs into the processes' memory before the dump. */
  readonly gpuBytes: number;
  /** Nobody waits for the source to go on. */
  readonly sourceEnds: boolean;
  /** Encrypts the shards. */
  readonly key?: Buffer;
  readonly whileFrozen: () => Promise<void>;
}

/** What else is stopped of a source for its dump: its GPU work. */
export interface Source {
  /** What can be done for that before; it disturbs nobody, and does not fail. */
  ready(): Promise<void>;
  /** Does nothing where it is stopped already. The threads, where there are any, have nothing else to do until it is. */
  stop(threads?: Pool): Promise<void>;
  resume(): Promise<void>;
  /** Seconds that it stands still already, and will when it is dumped: for its GPU. */
  spentSeconds(): number;
}

export type DumpedMemory =
  { readonly pages: 'criu'; readonly why: string } | ({ readonly pages: 'split' } & Copied);

/** All that can be made before is made before the source is stopped; it runs again when this returns, and while its memory is stored. */
export async function dumpWithMemory(job: MemoryDump, io: EngineIo, source: Source): Promise<DumpedMemory> {
  const why = io.config.pages === 'criu' ? 'as configured' : await trySplit(job, io, source);
  if (typeof why !== 'string') return why;
  await source.stop();
  await io.steps.runToEnd('dump', () => dumpInTime(job.plan, io, source, job.whileFrozen));
  await source.resume();
  return { pages: 'criu', why };
}

const dumpInTime = (
  plan: DumpPlan,
  io: EngineIo,
  source: Source,
  whileFrozen: () => Promise<void>,
): Promise<void> => dump({ ...plan, spentSeconds: source.spentSeconds() }, io, whileFrozen);

/** A string says why CRIU must write the pages; any other failure is one of the whole capture. */
async function trySplit(job: MemoryDump, io: EngineIo, source: Source): Promise<DumpedMemory | string> {
  const [copy] = await io.steps.run('prepare', () => Promise.all([prepare(job, io), source.ready()]));
  const stop = () => copy.giveUp();
  io.signal.addEventListener('abort', stop, { once: true });
  try {
    await source.stop(copy.threads);
    const copied = await dumpAndStore(copy, job, io, source);
    removeNullLinks(job.plan.images);
    return { pages: 'split', ...copied };
  } catch (error) {
    if (!isUnproven(error)) throw error;
    io.log.warn(`CRIU writes the pages itself: ${explain(error)}`);
    await unlessStopped(io.signal, () => emptied(job));
    return explain(error);
  } finally {
    io.signal.removeEventListener('abort', stop);
    await copy.close();
  }
}

async function emptied({ dir, plan }: MemoryDump): Promise<void> {
  for (const made of [plan.images, join(dir, artifactFile.pages)])
    await rm(made, { recursive: true, force: true });
  await mkdir(plan.images, { mode: 0o700 });
}

/** The memory is stored while the source is given back: neither waits for the other. */
async function dumpAndStore(
  copy: MemoryCopy,
  { plan, whileFrozen }: MemoryDump,
  io: EngineIo,
  source: Source,
): Promise<Copied> {
  const progress = follow(copy, io);
  const listed = new AbortController();
  const early = headStart(copy, plan, listed.signal).catch((error: unknown) =>
    io.log.warn(`nothing is copied before CRIU has listed it: ${explain(error)}`),
  );
  try {
    await io.steps.runToEnd('dump', () =>
      dumpInTime(plan, io, source, () => {
        listed.abort();
        const copied = early.then(() => copying(copy, plan.pid, io));
        return both(whileFrozen(), copied);
      }),
    );
    copy.mustBeDone();
    progress.now('store');
    const [resumed, stored] = await Promise.allSettled([
      source.resume(),
      io.steps.run('store', () => copy.store()),
    ]);
    if (resumed.status === 'rejected') throw resumed.reason;
    if (stored.status === 'rejected') throw stored.reason;
    return copy.finish(stored.value);
  } finally {
    listed.abort();
    progress.stop();
  }
}

/** Begins when CRIU has the whole tree, unless it has listed everything by then. */
async function headStart(copy: MemoryCopy, { pid, freezer }: DumpPlan, listed: AbortSignal): Promise<void> {
  const tracer = await whenSeized(pid, freezer, listed);
  if (tracer !== undefined && !listed.aborted) copy.beginEarly(pid, tracer);
}

/** A part of the dump, told beside it. */
async function copying(copy: MemoryCopy, root: HostPid, io: EngineIo): Promise<void> {
  const from = performance.now();
  await copy.whileFrozen(root);
  io.steps.note('copy', (performance.now() - from) / 1000);
}

async function prepare(job: MemoryDump, io: EngineIo): Promise<MemoryCopy> {
  const { dir, plan, processes, gpuBytes, sourceEnds, key } = job;
  const { available, total } = memInfo(readFileSync('/proc/meminfo', 'utf8'));
  const room = {
    choice: io.config.staging,
    memoryBytes: processes.reduce((sum, pid) => sum + ownBytes(pid), gpuBytes),
    growthBytes: gpuBytes,
    storeIsMemory: statfsSync(dir).type === TMPFS_MAGIC,
    sourceEnds,
    availableBytes: available,
    totalBytes: total,
  };
  const staging = stagingFor(room);
  linkNullPages(plan.images, LINKS + 2 * processes.length);
  const threads = threadsFor(io.config.threads, availableParallelism());
  io.log.info(`${threads} threads copy the memory, staging: ${staging}`);
  const { memoryBytes } = room;
  // What the driver will take of them comes first.
  const hugeBytes = hugeShare(memoryBytes, Math.max(0, hugeBytesFree() - gpuBytes));
  const copy = await MemoryCopy.begin({ dir, threads, staging, hugeBytes, memoryBytes, ...(key && { key }) });
  if (io.config.gpu.hugePages && makesRoom(room, staging, hugeBytesFree())) await copy.makeRoom(gpuBytes);
  return copy;
}

/** statfs(2) */
const TMPFS_MAGIC = 0x01021994;

/** For shared segments, of which there are as many as the tree likes; CRIU writes those that get no link. */
const LINKS = 128;

/** Waits for both, so that nothing reads any more when the tree runs again; then throws what failed first. */
async function both(...work: readonly Promise<void>[]): Promise<void> {
  const ended = await Promise.allSettled(work);
  const failed = ended.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

const isUnproven = (error: unknown): boolean =>
  error instanceof TerminalError && (error.reason === 'SplitUnproven' || error.reason === 'ImageInvalid');

interface Follower {
  /** The bytes count for this step from now on. */
  now(step: string): void;
  stop(): void;
}

function follow(copy: MemoryCopy, io: EngineIo): Follower {
  let [step, from] = ['dump', performance.now()];
  const timer = setInterval(() => {
    const { done, total } = copy.bytes;
    io.steps.bytes(step, done, total, (performance.now() - from) / 1000);
  }, 250);
  return {
    now: (next) => ([step, from] = [next, performance.now()]),
    stop: () => clearInterval(timer),
  };
}
