/**
 * A head start: a tree in CRIU's hands is copied while CRIU still walks through it. Of the copies only those are used whose pages CRIU
 * lists afterwards, and only where the same tracer has had the tree all the time: then none of its code ran in between (docs/adr/0016).
 */
import type { HostPid } from '../linux/ids';
import { mapsOf } from '../linux/maps';
import type { Region } from '../linux/memory';
import { processTree } from '../linux/proc';
import { isStillTraced } from '../linux/seized';
import { BlockTable, blocksOf } from './blocks';
import type { Chunk } from './chunks';
import type { Pool } from './pool';
import type { ChunkTable } from './table';

export class EarlyCopy {
  readonly #root: HostPid;
  readonly #tracer: number;
  readonly #blocks: BlockTable;
  readonly #done: Promise<void>;

  /** The pool has nothing else to do until it has ended. */
  constructor(root: HostPid, tracer: number, staging: Region, pool: Pool) {
    this.#root = root;
    this.#tracer = tracer;
    const blocks = BlockTable.of(processTree(root).flatMap((host) => blocksOf(host, mapsOf(host))));
    this.#blocks = blocks;
    // What could not be copied is copied later.
    this.#done = pool
      .run(() => ({ do: 'early', blocks: blocks.memory, staging }))
      .then(
        () => {},
        () => blocks.giveUp(),
      );
  }

  giveUp(): void {
    this.#blocks.giveUp();
  }

  /** Ends it, and tells the table which chunks are copied already; returns how much of the staging memory they take. */
  async end(table: ChunkTable, chunks: readonly Chunk[]): Promise<number> {
    this.#blocks.giveUp();
    await this.#done;
    if (!isStillTraced(this.#root, this.#tracer)) return 0;
    const copies = this.#blocks.copies();
    chunks.forEach(({ extents: [first, second] }, row) => {
      if (first === undefined || second !== undefined) return;
      const copy = copies.get(table.pid(row))?.get(first.address);
      if (copy !== undefined) table.hasCopy(row, copy);
    });
    return this.#blocks.usedBytes;
  }
}
