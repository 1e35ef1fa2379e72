/**
 * Chunks as rows in shared memory: every worker thread takes the next one by an atomic counter, and writes its result into the row.
 * No message passes while the source stands still.
 */
import type { Extent } from '../linux/extent';
import type { Chunk } from './chunks';

export const DIGEST_BYTES = 32;
const TAG_BYTES = 16;

export const NOWHERE = -1;

/**
 * Columns of a row. `file` is -1 until the chunk is stored; `staging` is the address of its copy, 0 where it has none; `copied` is 1
 * where the copy is there already.
 */
const COLUMN = {
  pid: 0,
  first: 1,
  count: 2,
  bytes: 3,
  startsEmpty: 4,
  staging: 5,
  file: 6,
  offset: 7,
  stored: 8,
  copied: 9,
} as const;
const COLUMNS = 10;

/** What is handed to a worker: nothing of it is copied. */
export interface TableMemory {
  readonly rows: SharedArrayBuffer;
  readonly extents: SharedArrayBuffer;
  readonly digests: SharedArrayBuffer;
  readonly tags: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
}

const NEXT = 0;
const DONE_PAGES = 1;
const PAGE_SHIFT = 12;

export class ChunkTable {
  readonly memory: TableMemory;
  readonly length: number;
  readonly #rows: Float64Array;
  readonly #extents: Float64Array;
  readonly #digests: Uint8Array;
  readonly #tags: Uint8Array;
  readonly #counters: Int32Array;

  constructor(memory: TableMemory) {
    this.memory = memory;
    this.#rows = new Float64Array(memory.rows);
    this.#extents = new Float64Array(memory.extents);
    this.#digests = new Uint8Array(memory.digests);
    this.#tags = new Uint8Array(memory.tags);
    this.#counters = new Int32Array(memory.counters);
    this.length = this.#rows.length / COLUMNS;
  }

  /** `hostOf` tells the pid to copy from or to. */
  static of(chunks: readonly Chunk[], hostOf: (pid: number) => number): ChunkTable {
    const extents = chunks.reduce((sum, chunk) => sum + chunk.extents.length, 0);
    const table = new ChunkTable({
      rows: new SharedArrayBuffer(chunks.length * COLUMNS * 8),
      extents: new SharedArrayBuffer(extents * 2 * 8),
      digests: new SharedArrayBuffer(chunks.length * DIGEST_BYTES),
      tags: new SharedArrayBuffer(chunks.length * TAG_BYTES),
      counters: new SharedArrayBuffer(2 * 4),
    });
    let first = 0;
    chunks.forEach((chunk, row) => {
      table.#set(row, 'pid', hostOf(chunk.pid));
      table.#set(row, 'first', first);
      table.#set(row, 'count', chunk.extents.length);
      table.#set(row, 'bytes', chunk.bytes);
      table.#set(row, 'startsEmpty', chunk.startsEmpty ? 1 : 0);
      table.#set(row, 'file', NOWHERE);
      for (const { address, length } of chunk.extents) {
        table.#extents[first * 2] = address;
        table.#extents[first * 2 + 1] = length;
        first += 1;
      }
    });
    return table;
  }

  /** The next row that nobody has taken; undefined at the end, or when somebody gave up. */
  take(): number | undefined {
    const row = Atomics.add(this.#counters, NEXT, 1);
    return row < this.length ? row : undefined;
  }

  /** Before the rows are gone through once more. */
  rewind(): void {
    Atomics.store(this.#counters, NEXT, 0);
    Atomics.store(this.#counters, DONE_PAGES, 0);
  }

  /** The others stop after the row that they are at. */
  giveUp(): void {
    Atomics.store(this.#counters, NEXT, this.length);
  }

  did(bytes: number): void {
    Atomics.add(this.#counters, DONE_PAGES, Math.ceil(bytes / 2 ** PAGE_SHIFT));
  }

  get totalBytes(): number {
    let sum = 0;
    for (let row = 0; row < this.length; row += 1) sum += this.bytes(row);
    return sum;
  }

  get doneBytes(): number {
    return Atomics.load(this.#counters, DONE_PAGES) * 2 ** PAGE_SHIFT;
  }

  pid = (row: number): number => this.#get(row, 'pid');
  bytes = (row: number): number => this.#get(row, 'bytes');
  startsEmpty = (row: number): boolean => this.#get(row, 'startsEmpty') === 1;
  staging = (row: number): number => this.#get(row, 'staging');
  /** Which shard, or which of the files that the work is about. */
  file = (row: number): number => this.#get(row, 'file');
  offset = (row: number): number => this.#get(row, 'offset');
  stored = (row: number): number => this.#get(row, 'stored');

  copied = (row: number): boolean => this.#get(row, 'copied') === 1;

  extents(row: number): readonly Extent[] {
    const first = this.#get(row, 'first');
    return Array.from({ length: this.#get(row, 'count') }, (_, i) => ({
      address: this.#extents[(first + i) * 2] ?? 0,
      length: this.#extents[(first + i) * 2 + 1] ?? 0,
    }));
  }

  digest = (row: number): Buffer => Buffer.from(this.memory.digests, row * DIGEST_BYTES, DIGEST_BYTES);

  placeInStaging(row: number, address: number): void {
    this.#set(row, 'staging', address);
  }

  /** It was copied there before. */
  hasCopy(row: number, address: number): void {
    this.#set(row, 'staging', address);
    this.#set(row, 'copied', 1);
  }

  placeInFile(row: number, file: number, offset: number, stored: number): void {
    this.#set(row, 'file', file);
    this.#set(row, 'offset', offset);
    this.#set(row, 'stored', stored);
  }

  /** As a row of another table is stored. */
  isStoredAs(row: number, other: ChunkTable, of: number): void {
    this.placeInFile(row, other.file(of), other.offset(of), other.stored(of));
    this.setDigest(row, other.digest(of));
  }

  setDigest(row: number, digest: Uint8Array): void {
    this.#digests.set(digest, row * DIGEST_BYTES);
  }

  tag = (row: number): Buffer => Buffer.from(this.memory.tags, row * TAG_BYTES, TAG_BYTES);

  setTag(row: number, tag: Uint8Array): void {
    this.#tags.set(tag, row * TAG_BYTES);
  }

  #get(row: number, column: keyof typeof COLUMN): number {
    return this.#rows[row * COLUMNS + COLUMN[column]] ?? Number.NaN;
  }

  #set(row: number, column: keyof typeof COLUMN, value: number): void {
    this.#rows[row * COLUMNS + COLUMN[column]] = value;
  }
}
