/**
 * Memory that is copied before CRIU has said which of it there is: blocks of a chunk's size, of which each is copied when all of its pages
 * are there. Rows in shared memory, as those of a ChunkTable.
 */
import type { Region } from '../linux/memory';
import { populateProcess, readProcess } from '../linux/memory';
import type { MapLine } from '../linux/maps';
import { CHUNK_BYTES } from './chunks';
import { Pagemaps } from './present';

export interface Block {
  readonly host: number;
  /** A multiple of the chunk size. */
  readonly address: number;
}

/** Whole blocks of the anonymous memory that a process may write to, and that no code runs in (CRIU borrows some of that). */
export const blocksOf = (host: number, maps: readonly MapLine[]): readonly Block[] =>
  maps
    .filter((m) => !m.shared && m.inode === 0 && m.writable && !m.executable)
    .flatMap(({ start, end }) => {
      const first = Math.ceil(start / CHUNK_BYTES) * CHUNK_BYTES;
      const count = Math.max(0, Math.floor((end - first) / CHUNK_BYTES));
      return Array.from({ length: count }, (_, i) => ({ host, address: first + i * CHUNK_BYTES }));
    });

export interface BlockMemory {
  /** Process, address, where its copy is (0: nowhere). */
  readonly rows: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
}

const COLUMNS = 3;
const COPY = 2;
const NEXT = 0;
const SLOT = 1;

export class BlockTable {
  readonly memory: BlockMemory;
  readonly #rows: Float64Array;
  readonly #counters: Int32Array;

  constructor(memory: BlockMemory) {
    this.memory = memory;
    this.#rows = new Float64Array(memory.rows);
    this.#counters = new Int32Array(memory.counters);
  }

  static of(blocks: readonly Block[]): BlockTable {
    const rows = new SharedArrayBuffer(blocks.length * COLUMNS * 8);
    const table = new BlockTable({ rows, counters: new SharedArrayBuffer(2 * 4) });
    blocks.forEach(({ host, address }, row) => table.#rows.set([host, address], row * COLUMNS));
    return table;
  }

  /** Copies blocks, one after another, until none is left, or there is no more room for them. */
  copyInto(staging: Region): void {
    const pagemaps = new Pagemaps('present');
    try {
      for (let row = this.#take(); row !== undefined; row = this.#take()) {
        const [host = 0, address = 0] = this.#rows.subarray(row * COLUMNS);
        if (!pagemaps.isWhole(host, address)) continue;
        const to = Atomics.add(this.#counters, SLOT, 1) * CHUNK_BYTES;
        if (to + CHUNK_BYTES > staging.length) return this.giveUp();
        readProcess(host, [{ address, length: CHUNK_BYTES }], staging.address + to);
        this.#rows[row * COLUMNS + COPY] = staging.address + to;
      }
    } finally {
      pagemaps.close();
    }
  }

  /** Makes the kernel give the pages that are not there yet, until no block is left. */
  touch(): void {
    for (let row = this.#take(); row !== undefined; row = this.#take()) {
      const [host = 0, address = 0] = this.#rows.subarray(row * COLUMNS);
      if (!populateProcess(host, { address, length: CHUNK_BYTES })) this.giveUp();
    }
  }

  #take(): number | undefined {
    const row = Atomics.add(this.#counters, NEXT, 1);
    return row < this.#rows.length / COLUMNS ? row : undefined;
  }

  /** The threads stop after the block that they are at. */
  giveUp(): void {
    Atomics.store(this.#counters, NEXT, this.#rows.length / COLUMNS);
  }

  /** Of the staging memory. */
  get usedBytes(): number {
    return Atomics.load(this.#counters, SLOT) * CHUNK_BYTES;
  }

  /** Where the copies are, for each process by address. */
  copies(): ReadonlyMap<number, ReadonlyMap<number, number>> {
    const found = new Map<number, Map<number, number>>();
    for (let at = 0; at < this.#rows.length; at += COLUMNS) {
      const [host = 0, address = 0, copy = 0] = this.#rows.subarray(at, at + COLUMNS);
      if (copy === 0) continue;
      const own = found.get(host) ?? new Map<number, number>();
      found.set(host, own.set(address, copy));
    }
    return found;
  }
}
