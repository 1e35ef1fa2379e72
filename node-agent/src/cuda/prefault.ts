/**
 * The driver copies a GPU's memory into memory that it maps as its checkpoint begins, by one thread, which waits for the kernel at every
 * page: half of the time. So our threads, which have nothing to do yet, have those pages made side by side, ahead of it. Nothing stands
 * still for that and no byte changes (docs/adr/0044).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { explain } from '@dynamo-snapshot/api/errors';
import type { EngineIo } from '../engine-io';
import type { HostPid, ProcessRef } from '../linux/ids';
import type { MapLine } from '../linux/maps';
import { mapsOf, without } from '../linux/maps';
import { memoryNodes, orAbsent } from '../linux/proc';
import type { Block } from '../memory/blocks';
import { BlockTable, blocksOf } from '../memory/blocks';
import { CHUNK_BYTES } from '../memory/chunks';
import type { Pool } from '../memory/pool';

/** Above what malloc, a stack or a heap of threads takes at a time; and less is not worth the while. */
const WORTH_BYTES = 64 << 20;
/** What a process uses on a GPU is known without what a driver needs beside it. */
export const SPARE = 1 + 1 / 16;
const LOOK_EVERY_MS = 5;
/** Times what a look takes: a process with thousands of areas is looked at less often. */
const PAUSE_PER_LOOK = 2;

/** What may be touched: of whom, and how much of it at most; a touched page is charged to its process. */
interface Allowance {
  /** By process: what is none of the driver's, or was touched already. */
  readonly known: Map<HostPid, readonly MapLine[]>;
  leftBytes: number;
}

interface GpuTree {
  readonly processes: readonly ProcessRef[];
  readonly bytes: number;
}

/** Whatever goes wrong here, the call goes on as it would without. When this returns, no thread touches anything any more. */
export async function whilePrefaulting<T>(
  tree: GpuTree,
  threads: Pool | undefined,
  io: EngineIo,
  call: () => Promise<T>,
): Promise<T> {
  const allowance = io.config.gpu.prefault && threads !== undefined ? allowanceOf(tree) : undefined;
  if (threads === undefined || allowance === undefined) return call();
  const over = new AbortController();
  const calling = call().finally(() => over.abort());
  const [, touching] = await Promise.allSettled([calling, touchNew(allowance, threads, io, over.signal)]);
  if (touching.status === 'rejected')
    io.log.warn(`touch the memory that the driver maps: ${explain(touching.reason)}`);
  return calling;
}

/** Nothing where it is not known how much the driver will map. A process that gets its memory from other NUMA nodes than we is left out. */
function allowanceOf({ processes, bytes }: GpuTree): Allowance | undefined {
  const ours = memoryNodes(process.pid);
  const known = new Map(
    processes
      .filter(({ pid }) => memoryNodes(pid) === ours)
      .map(({ pid }) => [pid, orAbsent(() => mapsOf(pid)) ?? []]),
  );
  return bytes === 0 || known.size === 0 ? undefined : { known, leftBytes: bytes * SPARE };
}

async function touchNew(allowance: Allowance, threads: Pool, io: EngineIo, over: AbortSignal): Promise<void> {
  let [bytes, ms] = [0, 0];
  while (!over.aborted) {
    const from = performance.now();
    const blocks = take(allowance);
    if (blocks.length > 0) {
      await touch(blocks, threads, over);
      bytes += blocks.length * CHUNK_BYTES;
      ms += performance.now() - from;
    } else {
      const pause = Math.max(LOOK_EVERY_MS, PAUSE_PER_LOOK * (performance.now() - from));
      await delay(pause, undefined, { signal: over }).catch(() => {}); // cut short when the call is over
    }
  }
  if (bytes === 0) return;
  io.steps.note('prefault', ms / 1000);
  io.log.info(
    `of what the driver mapped, ${bytes} bytes were gone through ahead of it in ${Math.round(ms)} ms`,
  );
}

/** Each block once. */
function take(allowance: Allowance): readonly Block[] {
  const blocks: Block[] = [];
  for (const [pid, known] of allowance.known) {
    const areas = freshAreas(orAbsent(() => mapsOf(pid)) ?? [], known, allowance.leftBytes);
    if (areas.length === 0) continue;
    allowance.known.set(pid, [...known, ...areas]);
    allowance.leftBytes -= areas.reduce((sum, area) => sum + sizeOf(area), 0);
    blocks.push(...blocksOf(pid, areas));
  }
  return blocks;
}

/**
 * What is mapped now and was not before, as the driver maps it: private, of no file and no name, to be written to, and not to be run. Never
 * more than is expected of the driver: an area beyond that is somebody else's, who may have reserved far more than he will use.
 */
export function freshAreas(
  now: readonly MapLine[],
  known: readonly MapLine[],
  mostBytes: number,
): readonly MapLine[] {
  const likely = now.filter(
    (m) => !m.shared && !m.named && m.inode === 0 && m.writable && !m.executable && sizeOf(m) >= WORTH_BYTES,
  );
  let left = mostBytes;
  return without(likely, known).filter((area) => {
    if (sizeOf(area) < WORTH_BYTES || sizeOf(area) > left) return false;
    left -= sizeOf(area);
    return true;
  });
}

const sizeOf = ({ start, end }: MapLine): number => end - start;

async function touch(blocks: readonly Block[], threads: Pool, over: AbortSignal): Promise<void> {
  const table = BlockTable.of(blocks);
  const stop = () => table.giveUp();
  over.addEventListener('abort', stop, { once: true });
  try {
    if (!over.aborted) await threads.run(() => ({ do: 'touch', blocks: table.memory }));
  } finally {
    over.removeEventListener('abort', stop);
  }
}
