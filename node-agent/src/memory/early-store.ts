/**
 * A head start without staging memory: blocks go right into the shards, with their digests. Every byte of a shard must belong to a chunk: where
 * CRIU lists a block otherwise than as a whole, its shard is cut there, and what lay behind is copied once more.
 */
import { isStillTraced } from '../linux/seized';
import type { Chunk } from './chunks';
import { CHUNK_BYTES } from './chunks';
import type { EarlyEnd, Held, HeadStart } from './early';
import { blocksOfTree } from './early';
import type { Threads } from './pool';
import { ChunkTable, NOWHERE } from './table';
import type { Dropped } from './task';

export class EarlyStore implements HeadStart {
  readonly #held: Held;
  readonly #threads: Threads;
  readonly #blocks: ChunkTable;
  /** Undefined where a thread failed: then it is not known what the others left out. */
  readonly #done: Promise<readonly Dropped[] | undefined>;

  /** The threads have nothing else to do until it has ended. */
  constructor(held: Held, threads: Threads) {
    this.#held = held;
    this.#threads = threads;
    this.#blocks = ChunkTable.of(
      blocksOfTree(held.root).map(({ host, address }) => ({
        ...{ pid: host, bytes: CHUNK_BYTES, startsEmpty: true },
        extents: [{ address, length: CHUNK_BYTES }],
      })),
      (pid) => pid,
    );
    const { memory } = this.#blocks;
    // What could not be stored is stored later, or its failure is told then.
    this.#done = threads
      .run(() => ({ do: 'early store', table: memory }))
      .then(
        ({ dropped }) => dropped,
        () => undefined,
      );
  }

  giveUp(): void {
    this.#blocks.giveUp();
  }

  async end(table: ChunkTable, chunks: readonly Chunk[]): Promise<EarlyEnd> {
    this.giveUp();
    const dropped = await this.#done;
    const isUsable = dropped !== undefined && isStillTraced(this.#held.root, this.#held.tracer);
    const rows = isUsable ? rowsOf(this.#blocks, table, chunks) : new Map<number, number>();
    const { kept, lengths, isCut } = keptOf(this.#blocks, (block) => rows.has(block));
    if (isCut || dropped === undefined)
      await this.#threads.run((shard) => ({ do: 'cut', length: lengths.get(shard) ?? 0 }));
    for (const block of kept) table.isStoredAs(rows.get(block) ?? NOWHERE, this.#blocks, block);
    const used = (dropped ?? []).filter(({ row }) => kept.has(row));
    return {
      stagingBytes: 0,
      dropped: used.map(({ row, extents }) => ({ row: rows.get(row) ?? NOWHERE, extents })),
    };
  }
}

/** Of each stored block the row of the chunk that is the same memory, no more and no less, and may be stored in the same way. */
function rowsOf(
  blocks: ChunkTable,
  table: ChunkTable,
  chunks: readonly Chunk[],
): ReadonlyMap<number, number> {
  const key = (pid: number, address: number) => `${pid} ${address}`;
  const byPlace = new Map<string, number>();
  chunks.forEach(({ extents: [first, second], bytes, startsEmpty }, row) => {
    if (first !== undefined && second === undefined && bytes === CHUNK_BYTES && startsEmpty)
      byPlace.set(key(table.pid(row), first.address), row);
  });
  const rows = new Map<number, number>();
  for (let block = 0; block < blocks.length; block += 1) {
    const row = byPlace.get(key(blocks.pid(block), blocks.extents(block)[0]?.address ?? 0));
    if (row !== undefined && blocks.file(block) !== NOWHERE) rows.set(block, row);
  }
  return rows;
}

export interface KeptBlocks {
  readonly kept: ReadonlySet<number>;
  /** Of the shards, in bytes. */
  readonly lengths: ReadonlyMap<number, number>;
  /** Something lies behind them. */
  readonly isCut: boolean;
}

/** From the begin of each shard to the first block that is not used; pure. */
export function keptOf(blocks: ChunkTable, isUsed: (block: number) => boolean): KeptBlocks {
  const stored = Array.from({ length: blocks.length }, (_, block) => block)
    .filter((block) => blocks.file(block) !== NOWHERE)
    .sort((a, b) => blocks.offset(a) - blocks.offset(b) || blocks.stored(a) - blocks.stored(b));
  const kept = new Set<number>();
  const lengths = new Map<number, number>();
  const cut = new Set<number>();
  for (const block of stored) {
    const shard = blocks.file(block);
    if (cut.has(shard)) continue;
    if (isUsed(block)) {
      kept.add(block);
      lengths.set(shard, blocks.offset(block) + blocks.stored(block));
    } else if (blocks.stored(block) > 0) cut.add(shard);
  }
  return { kept, lengths, isCut: cut.size > 0 };
}
