/**
 * Keeps threads that fill in what a driver reads at the same time a little ahead of it: what it reads next is then still in the processors'
 * caches, and the memory bus is its own for the rest (docs/adr/0047). It only ever slows down: nobody waits for a row that waits for pace.
 */
import { canBeRead } from '../linux/fd-socket';
import { Pagemaps } from './present';

export interface PaceRow {
  /** Whose memory the row is of, and where its last page lies there. */
  readonly host: number;
  readonly address: number;
}

export interface PaceMemory {
  /** Two numbers for each row. */
  readonly rows: SharedArrayBuffer;
  /** At any of which somebody may wait. */
  readonly uffds: readonly number[];
  /** 1 once the driver has ended; and how many rows have not kept pace, because somebody waited. */
  readonly state: SharedArrayBuffer;
  /** How many rows may be filled beyond the last one that was read. */
  readonly window: number;
}

const COLUMNS = 2;
const OVER = 0;
const HURRIED = 1;
const LOOK_EVERY_MS = 0.3;

export class Pace {
  readonly memory: PaceMemory;
  readonly #rows: Float64Array;
  readonly #state: Int32Array;
  readonly #pagemaps = new Pagemaps('present');

  constructor(memory: PaceMemory) {
    this.memory = memory;
    this.#rows = new Float64Array(memory.rows);
    this.#state = new Int32Array(memory.state);
  }

  static of(rows: readonly PaceRow[], uffds: readonly number[], window: number): Pace {
    const pace = new Pace({
      rows: new SharedArrayBuffer(rows.length * COLUMNS * 8),
      state: new SharedArrayBuffer(2 * 4),
      ...{ uffds, window },
    });
    rows.forEach(({ host, address }, row) => pace.#rows.set([host, address], row * COLUMNS));
    return pace;
  }

  /** The driver has read all that it wanted. */
  end(): void {
    Atomics.store(this.#state, OVER, 1);
    Atomics.notify(this.#state, OVER);
  }

  /** How many rows were filled in as fast as possible, for somebody waited at the gate: out of the order in which memory is filled in, or faster. */
  get hurried(): number {
    return Atomics.load(this.#state, HURRIED);
  }

  /** Until the row's turn has come: its reader is near, or somebody waits for any memory at all, or there is no reader any more. */
  wait(row: number): void {
    const before = row - this.memory.window;
    if (before < 0) return;
    const [host = 0, address = 0] = this.#rows.subarray(before * COLUMNS, (before + 1) * COLUMNS);
    while (Atomics.load(this.#state, OVER) === 0 && !this.#pagemaps.isThere(host, address)) {
      if (this.memory.uffds.some(canBeRead)) {
        Atomics.add(this.#state, HURRIED, 1);
        return;
      }
      Atomics.wait(this.#state, OVER, 0, LOOK_EVERY_MS);
    }
  }

  close(): void {
    this.#pagemaps.close();
  }
}
