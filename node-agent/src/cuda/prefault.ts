/**
 * The driver copies a GPU's memory into memory that it maps within the call, by one thread, which waits for the kernel at every page: half
 * of the time (docs/benchmarks.md). As soon as such a mapping is there, the processes are frozen for a moment in which all of its pages
 * are touched side by side; a page that is there already, or that anybody could write to meanwhile, is never touched (docs/adr/0040).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { explain } from '@dynamo-snapshot/api/errors';
import type { EngineIo } from '../engine-io';
import { freeze, standsStill, thaw } from '../linux/cgroup';
import type { ProcessRef } from '../linux/ids';
import type { MapLine } from '../linux/maps';
import { mapsOf, without } from '../linux/maps';
import type { Block } from '../memory/blocks';
import { BlockTable, blocksOf } from '../memory/blocks';
import { CHUNK_BYTES } from '../memory/chunks';
import type { Pool } from '../memory/pool';

export interface Prefault {
  readonly freezer: string;
  readonly pool: Pool;
}

/** Below that a freeze costs more than it gains. */
const WORTH_BYTES = 256 << 20;
const LOOK_EVERY_MS = 5;
const FREEZES_WITHIN_MS = 1000;

/** Whatever goes wrong here, the call itself goes on as it would without. */
export async function whilePrefaulting<T>(
  processes: readonly ProcessRef[],
  means: Prefault,
  io: EngineIo,
  call: () => Promise<T>,
): Promise<T> {
  const known = new Map(processes.map(({ pid }) => [pid, mapsOf(pid)]));
  const calling = call();
  let over = false;
  const end = calling.then(
    () => (over = true),
    () => (over = true),
  );
  try {
    for (;;) {
      await Promise.race([end, delay(LOOK_EVERY_MS)]);
      if (over) break;
      const fresh = freshBlocks(processes, known);
      if (fresh.length * CHUNK_BYTES < WORTH_BYTES) continue;
      for (const { pid } of processes) known.set(pid, mapsOf(pid));
      if (!(await touchAll(fresh, means, io))) break;
    }
  } catch (error) {
    io.log.warn(`touch the memory that the driver maps: ${explain(error)}`);
  }
  return calling;
}

const freshBlocks = (
  processes: readonly ProcessRef[],
  known: ReadonlyMap<number, readonly MapLine[]>,
): readonly Block[] =>
  processes.flatMap(({ pid }) => blocksOf(pid, without(mapsOf(pid), known.get(pid) ?? [])));

/** False where they do not freeze in time, and must be let alone. */
async function touchAll(
  blocks: readonly Block[],
  { freezer, pool }: Prefault,
  io: EngineIo,
): Promise<boolean> {
  const from = performance.now();
  io.willUndo({ do: 'thaw', freezer });
  try {
    freeze(freezer);
    while (!standsStill(freezer)) {
      if (performance.now() - from > FREEZES_WITHIN_MS) return false;
      await delay(1);
    }
    const { memory } = BlockTable.of(blocks);
    await pool.run(() => ({ do: 'touch', blocks: memory }));
    return true;
  } finally {
    thaw(freezer);
    io.steps.note('prefault', (performance.now() - from) / 1000);
  }
}
