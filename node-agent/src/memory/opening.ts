/**
 * Opens the gate as its chunks become whole, in their order, by whichever thread has finished the one that was missing. Shared memory:
 * no message passes.
 */
import { open } from '../linux/userfault';

/** What may be opened when a row and all before it are there. */
export interface OpeningRow {
  readonly uffd: number;
  readonly from: number;
  readonly to: number;
}

export interface OpeningMemory {
  /** Three numbers for each row. */
  readonly ranges: SharedArrayBuffer;
  /** 1 for a row that is there. */
  readonly done: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
}

const COLUMNS = 3;
const NEXT = 0;
const BUSY = 1;

export class Opening {
  readonly memory: OpeningMemory;
  readonly #ranges: Float64Array;
  readonly #done: Int32Array;
  readonly #counters: Int32Array;
  readonly #open: typeof open;

  constructor(memory: OpeningMemory, opens: typeof open = open) {
    this.memory = memory;
    this.#ranges = new Float64Array(memory.ranges);
    this.#done = new Int32Array(memory.done);
    this.#counters = new Int32Array(memory.counters);
    this.#open = opens;
  }

  static of(rows: readonly OpeningRow[]): Opening {
    const opening = new Opening({
      ranges: new SharedArrayBuffer(rows.length * COLUMNS * 8),
      done: new SharedArrayBuffer(rows.length * 4),
      counters: new SharedArrayBuffer(2 * 4),
    });
    rows.forEach(({ uffd, from, to }, row) => opening.#ranges.set([uffd, from, to], row * COLUMNS));
    return opening;
  }

  /** Everything is open. */
  get isWhole(): boolean {
    return Atomics.load(this.#counters, NEXT) === this.#done.length;
  }

  /** Verified, and in its place. Throws where the kernel does not open. */
  did(row: number): void {
    Atomics.store(this.#done, row, 1);
    while (this.#isNextDone() && Atomics.compareExchange(this.#counters, BUSY, 0, 1) === 0)
      try {
        this.#advance();
      } finally {
        // Who found it busy has gone: the loop looks once more whether there is something to do.
        Atomics.store(this.#counters, BUSY, 0);
      }
  }

  #isNextDone(): boolean {
    const next = Atomics.load(this.#counters, NEXT);
    return next < this.#done.length && Atomics.load(this.#done, next) === 1;
  }

  /** Neighbours at once. */
  #advance(): void {
    let row = Atomics.load(this.#counters, NEXT);
    while (row < this.#done.length && Atomics.load(this.#done, row) === 1) {
      const { uffd, from, to: first } = this.#row(row);
      let to = first;
      for (row += 1; row < this.#done.length && Atomics.load(this.#done, row) === 1; row += 1) {
        const next = this.#row(row);
        if (next.uffd !== uffd || next.from !== to) break;
        to = next.to;
      }
      if (to > from) this.#open(uffd, { address: from, length: to - from });
      Atomics.store(this.#counters, NEXT, row);
    }
  }

  #row(row: number): OpeningRow {
    const at = row * COLUMNS;
    return { uffd: this.#ranges[at] ?? 0, from: this.#ranges[at + 1] ?? 0, to: this.#ranges[at + 2] ?? 0 };
  }
}
