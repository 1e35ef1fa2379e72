/**
 * Memory that is copied before CRIU has said which of it there is: blocks of a chunk's size, of which each is copied when all of its pages
 * are there. Rows in shared memory, as those of a ChunkTable.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Region } from '../linux/memory';
import { readProcess, writeProcess } from '../linux/memory';
import type { Extent } from '../linux/extent';
import { PAGE } from '../linux/extent';
import type { MapLine } from '../linux/maps';
import { CHUNK_BYTES } from './chunks';
import { scratchAt, scratchView } from './scratch';

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
    this.#each((row, host, address, pagemap) => {
      if (!isWhole(pagemap, address)) return;
      const to = Atomics.add(this.#counters, SLOT, 1) * CHUNK_BYTES;
      if (to + CHUNK_BYTES > staging.length) return this.giveUp();
      readProcess(host, [{ address, length: CHUNK_BYTES }], staging.address + to);
      this.#rows[row * COLUMNS + COPY] = staging.address + to;
    });
  }

  /** Writes a zero where there is no page yet, which is zero: the processes must stand still meanwhile. */
  touch(): void {
    scratchView().fill(0, 0, HUGE_BYTES / PAGE);
    this.#each((_, host, address, pagemap) => {
      for (let at = address; at < address + CHUNK_BYTES; at += HUGE_BYTES) {
        if (!isEmpty(pagemap, at, HUGE_BYTES)) continue;
        writeProcess(host, [{ address: at, length: 1 }], scratchAt(0));
        // The kernel had no huge page for it.
        if (isEmpty(pagemap, at + PAGE, PAGE)) writeProcess(host, otherPages(at), scratchAt(0));
      }
    });
  }

  #each(work: (row: number, host: number, address: number, pagemap: number) => void): void {
    const pagemaps = new Map<number, number>();
    try {
      for (let row = this.#take(); row !== undefined; row = this.#take()) {
        const [host = 0, address = 0] = this.#rows.subarray(row * COLUMNS);
        const pagemap = pagemaps.get(host) ?? openSync(`/proc/${host}/pagemap`, 'r');
        pagemaps.set(host, pagemap);
        work(row, host, address, pagemap);
      }
    } finally {
      for (const fd of pagemaps.values()) closeSync(fd);
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

const HUGE_BYTES = 2 << 20;
const ENTRIES = Buffer.alloc((CHUNK_BYTES / PAGE) * 8);
/** In the last byte of an entry: the page is there, or swapped (kernel: admin-guide/mm/pagemap.rst). */
const [PRESENT, SOMEWHERE] = [0x80, 0xc0];

function isWhole(pagemap: number, address: number): boolean {
  const entries = entriesAt(pagemap, address, CHUNK_BYTES);
  for (let at = 7; at < entries.length; at += 8) if (((entries[at] ?? 0) & PRESENT) === 0) return false;
  return true;
}

/** A byte of each page but the first. */
const otherPages = (address: number): readonly Extent[] =>
  Array.from({ length: HUGE_BYTES / PAGE - 1 }, (_, i) => ({ address: address + (i + 1) * PAGE, length: 1 }));

function isEmpty(pagemap: number, address: number, length: number): boolean {
  const entries = entriesAt(pagemap, address, length);
  for (let at = 7; at < entries.length; at += 8) if (((entries[at] ?? 0) & SOMEWHERE) !== 0) return false;
  return true;
}

function entriesAt(pagemap: number, address: number, length: number): Buffer {
  const entries = ENTRIES.subarray(0, (length / PAGE) * 8);
  const read = readSync(pagemap, entries, 0, entries.length, (address / PAGE) * 8);
  if (read !== entries.length) throw new Error(`the pagemap ends at 0x${address.toString(16)}`);
  return entries;
}
