/** What the engine's steps share: configuration, time, the journal, and where progress goes. */
import type { Progress } from '@dynamo-snapshot/api/progress';
import { progressOf } from '@dynamo-snapshot/api/progress';
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { EngineConfig } from './config';
import type { UndoStep } from './journal/step';

export interface EngineIo {
  readonly config: EngineConfig;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly deadline: number;
  /** Aborted when the operation must let go; its reason is the TerminalError that the operation then ends with. */
  readonly signal: AbortSignal;
  /** Durable when it returns. */
  readonly willUndo: (step: UndoStep) => void;
  readonly steps: Steps;
}

export const remainingMs = (io: EngineIo): number => Math.max(1, io.deadline - Date.now());

const BYTES_EVERY_MS = 250;

export interface Bytes {
  readonly done: number;
  readonly total: number;
}

/** Settles as the work does, or rejects at once with the reason to stop. */
export function unlessStopped<T>(signal: AbortSignal, work: () => Promise<T> | T): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    void Promise.resolve()
      .then(work)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Names and times the steps of an operation, and tells about them. None begins once the operation must stop. */
export class Steps {
  readonly #report: (progress: Progress, timings: readonly Timing[]) => void;
  readonly #timings: Timing[] = [];
  readonly #signal: AbortSignal;
  readonly #started = performance.now();
  #lastBytes = -BYTES_EVERY_MS;

  constructor(report: (progress: Progress, timings: readonly Timing[]) => void, signal: AbortSignal) {
    this.#report = report;
    this.#signal = signal;
  }

  /** Given up at once when the operation must stop: nothing may hang on what the work still does then. */
  run<T>(step: string, work: () => Promise<T> | T): Promise<T> {
    return this.#timed(step, () => unlessStopped(this.#signal, work));
  }

  /** Waited for in any case: the work itself heeds the signal, and knows how to let go. */
  async runToEnd<T>(step: string, work: () => Promise<T> | T): Promise<T> {
    this.#signal.throwIfAborted();
    return this.#timed(step, async () => {
      try {
        return await work();
      } catch (error) {
        // What failed because it was stopped was stopped.
        this.#signal.throwIfAborted();
        throw error;
      }
    });
  }

  async #timed<T>(step: string, work: () => Promise<T>): Promise<T> {
    const from = performance.now();
    this.#report(progressOf({ step }), this.#timings);
    const result = await work();
    this.note(step, (performance.now() - from) / 1000);
    return result;
  }

  note(step: string, seconds: number): void {
    this.#timings.push({ step, seconds: Math.round(seconds * 1e4) / 1e4 });
  }

  /** Told at most four times a second. */
  bytes(step: string, bytesDone: number, bytesTotal: number, elapsed: number): void {
    const now = performance.now();
    if (now - this.#lastBytes < BYTES_EVERY_MS) return;
    this.#lastBytes = now;
    this.#report(progressOf({ step, bytesDone, bytesTotal, elapsed }), this.#timings);
  }

  /** Tells of the bytes while the work goes on. */
  async follow<T>(step: string, bytes: () => Bytes, work: () => Promise<T>): Promise<T> {
    const from = performance.now();
    const timer = setInterval(() => {
      const { done, total } = bytes();
      this.bytes(step, done, total, (performance.now() - from) / 1000);
    }, BYTES_EVERY_MS);
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  }

  /** All steps, and how long everything took so far. */
  total(): readonly Timing[] {
    return [
      ...this.#timings,
      { step: 'total', seconds: Math.round((performance.now() - this.#started) * 10) / 1e4 },
    ];
  }
}
