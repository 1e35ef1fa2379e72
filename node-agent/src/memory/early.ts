/**
 * A head start: a tree in CRIU's hands is copied while CRIU still walks through it. Of the copies only those are used whose pages CRIU
 * lists afterwards, and only where the same tracer has had the tree all the time: then none of its code ran in between (docs/adr/0016).
 */
import type { HostPid } from '../linux/ids';
import { mapsOf } from '../linux/maps';
import type { Region } from '../linux/memory';
import { processTree } from '../linux/proc';
import { isStillTraced } from '../linux/seized';
import type { Block } from './blocks';
import { BlockTable, blocksOf } from './blocks';
import type { Chunk } from './chunks';
import type { Pool } from './pool';
import type { ChunkTable } from './table';
import type { Dropped } from './task';

/** A tree that a tracer has. */
export interface Held {
  readonly root: HostPid;
  readonly tracer: number;
}

export interface EarlyEnd {
  /** So much of the staging memory is taken. */
  readonly stagingBytes: number;
  /** Of the chunks that are stored already. */
  readonly dropped: readonly Dropped[];
}

export const NO_HEAD_START: EarlyEnd = { stagingBytes: 0, dropped: [] };

export interface HeadStart {
  giveUp(): void;
  /** Ends it, and tells the table which of the chunks, one a row, need not be copied any more. */
  end(table: ChunkTable, chunks: readonly Chunk[]): Promise<EarlyEnd>;
}

export const blocksOfTree = (root: HostPid): readonly Block[] =>
  processTree(root).flatMap((host) => blocksOf(host, mapsOf(host)));

/** Into staging memory. */
export class EarlyCopy implements HeadStart {
  readonly #held: Held;
  readonly #blocks: BlockTable;
  readonly #done: Promise<void>;

  /** The pool has nothing else to do until it has ended. */
  constructor(held: Held, staging: Region, pool: Pool) {
    this.#held = held;
    const blocks = BlockTable.of(blocksOfTree(held.root));
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

  async end(table: ChunkTable, chunks: readonly Chunk[]): Promise<EarlyEnd> {
    this.#blocks.giveUp();
    await this.#done;
    if (!isStillTraced(this.#held.root, this.#held.tracer)) return NO_HEAD_START;
    const copies = this.#blocks.copies();
    chunks.forEach(({ extents: [first, second] }, row) => {
      if (first === undefined || second !== undefined) return;
      const copy = copies.get(table.pid(row))?.get(first.address);
      if (copy !== undefined) table.hasCopy(row, copy);
    });
    return { stagingBytes: this.#blocks.usedBytes, dropped: [] };
  }
}
