/** What the engine's steps share: configuration, time, the journal, and where progress goes. */
import type { Progress } from '@dynamo-snapshot/api/progress';
import { progressOf } from '@dynamo-snapshot/api/progress';
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { EngineConfig } from './config';
import type { UndoStep } from './journal/entry';

export interface EngineIo {
  readonly config: EngineConfig;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  /** Durable when it returns. */
  readonly willUndo: (step: UndoStep) => void;
  readonly steps: Steps;
}

export const remainingMs = (io: EngineIo): number => Math.max(1, io.deadline - Date.now());

const BYTES_EVERY_MS = 250;

/** Names and times the steps of an operation, and tells about them. */
export class Steps {
  readonly #report: (progress: Progress, timings: readonly Timing[]) => void;
  readonly #timings: Timing[] = [];
  readonly #started = performance.now();
  #lastBytes = -BYTES_EVERY_MS;

  constructor(report: (progress: Progress, timings: readonly Timing[]) => void) {
    this.#report = report;
  }

  async run<T>(step: string, work: () => Promise<T> | T): Promise<T> {
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

  /** All steps, and how long everything took so far. */
  total(): readonly Timing[] {
    return [
      ...this.#timings,
      { step: 'total', seconds: Math.round((performance.now() - this.#started) * 10) / 1e4 },
    ];
  }
}
