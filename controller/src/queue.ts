/**
 * The work queue of a level-triggered controller: keys, not events. One run per key at a time; what is added during a run becomes
 * one more run. A run that throws comes back with back-off; a TerminalError does not come back by itself.
 */
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import type { Log } from './log';

export interface Outcome {
  readonly requeueAfterMs?: number;
}

export type Reconcile = (key: string, signal: AbortSignal) => Promise<Outcome | undefined>;

export interface QueueOptions {
  readonly name: string;
  readonly reconcile: Reconcile;
  readonly log: Log;
  /** Keys that run at the same time. */
  readonly concurrency?: number;
  /** Told of every run. */
  readonly onRun?: (result: 'ok' | 'retried' | 'gaveUp', seconds: number) => void;
  /** Begins at rest: what is added is not remembered, until `resume`. */
  readonly paused?: boolean;
}

const FIRST_BACKOFF_MS = 200;
const LAST_BACKOFF_MS = 60_000;

export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #timers = new Map<string, { readonly timer: NodeJS.Timeout; readonly due: number }>();
  #stop = new AbortController();

  constructor(options: QueueOptions) {
    this.#options = options;
    if (options.paused === true) this.#stop.abort();
  }

  /** Keys that wait for a free slot. */
  get depth(): number {
    return this.#waiting.size;
  }

  get running(): number {
    return this.#running.size;
  }

  add(key: string): void {
    if (this.#stop.signal.aborted) return;
    this.#cancelTimer(key);
    if (this.#running.has(key)) this.#again.add(key);
    else {
      this.#waiting.add(key);
      this.#fill();
    }
  }

  /** The earliest of several calls wins. */
  addAfter(key: string, ms: number): void {
    const due = Date.now() + ms;
    if (this.#stop.signal.aborted || (this.#timers.get(key)?.due ?? Infinity) <= due) return;
    this.#cancelTimer(key);
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      this.add(key);
    }, ms);
    this.#timers.set(key, { timer, due });
  }

  /** Takes nothing new, tells the running ones to stop, and waits for them. */
  async drain(): Promise<void> {
    this.#stop.abort();
    this.#waiting.clear();
    this.#failures.clear();
    for (const key of [...this.#timers.keys()]) this.#cancelTimer(key);
    await Promise.all(this.#running.values());
  }

  /** Works again after `drain`. What came meanwhile has to be added by the caller. */
  resume(): void {
    if (this.#stop.signal.aborted) this.#stop = new AbortController();
  }

  #cancelTimer(key: string): void {
    clearTimeout(this.#timers.get(key)?.timer);
    this.#timers.delete(key);
  }

  #fill(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= (this.#options.concurrency ?? 4)) return;
      this.#waiting.delete(key);
      // Later, so that the key counts as running before its handler can add it again.
      this.#running.set(
        key,
        Promise.resolve().then(() => this.#run(key)),
      );
    }
  }

  async #run(key: string): Promise<void> {
    const after = this.#stop.signal.aborted ? undefined : await this.#once(key);
    this.#running.delete(key);
    if (this.#again.delete(key)) this.add(key);
    else if (after !== undefined) this.addAfter(key, after);
    this.#fill();
  }

  /** Milliseconds until the key should come back, if it should. */
  async #once(key: string): Promise<number | undefined> {
    const { reconcile, log, name, onRun } = this.#options;
    const from = performance.now();
    const tell = (result: 'ok' | 'retried' | 'gaveUp') => onRun?.(result, (performance.now() - from) / 1000);
    try {
      const outcome = await reconcile(key, this.#stop.signal);
      this.#failures.delete(key);
      tell('ok');
      return outcome?.requeueAfterMs;
    } catch (error) {
      const terminal = error instanceof TerminalError;
      tell(terminal ? 'gaveUp' : 'retried');
      const failures = (this.#failures.get(key) ?? 0) + 1;
      if (terminal) this.#failures.delete(key);
      else this.#failures.set(key, failures);
      const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), LAST_BACKOFF_MS);
      log[terminal ? 'error' : 'warn'](
        `${name} ${key}: ${explain(error)}`,
        terminal ? {} : { retryInMs: backoff },
      );
      return terminal ? undefined : backoff;
    }
  }
}
