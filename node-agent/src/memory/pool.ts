/** Worker threads that copy, digest, verify and write. For a capture they are started before anything stands still. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Done, Reply, Task } from './task';

/** Beside the bundle; or the source, where we run from it. */
const fromSource = __filename.endsWith('.ts');
const program = join(__dirname, fromSource ? 'worker.ts' : 'memory-worker.cjs');

/** Whoever performs tasks, by so many threads side by side. */
export interface Threads {
  readonly threads: number;
  /** Every thread performs its task; when all have ended, the first failure is thrown. */
  run(taskOf: (thread: number) => Task): Promise<Done>;
}

/** `later`: with the first task, unless they are started before: their start takes processors from what else goes on. */
export type Starts = 'now' | 'later';

/** A source may wait for it. */
const ENDS_WITHIN_MS = 1000;

export class Pool implements Threads {
  readonly threads: number;
  #workers: readonly Worker[] = [];

  constructor(threads: number, starts: Starts = 'now') {
    this.threads = threads;
    if (starts === 'now') this.start();
  }

  start(): void {
    if (this.#workers.length > 0) return;
    const execArgv = fromSource ? ['--require', 'tsx/cjs'] : [];
    this.#workers = Array.from({ length: this.threads }, () => new Worker(program, { execArgv }));
    // A thread that dies while it is asked is told by `ask`; between two tasks nothing can be done about it.
    for (const worker of this.#workers) worker.on('error', () => {});
  }

  async run(taskOf: (thread: number) => Task): Promise<Done> {
    this.start();
    const replies = await Promise.all(this.#workers.map((worker, i) => ask(worker, taskOf(i))));
    const done = replies.map((reply) => {
      if (reply.ok) return reply;
      throw reply.reason === '' ? new Error(reply.message) : new TerminalError(reply.reason, reply.message);
    });
    return { dropped: done.flatMap((d) => d.dropped), faults: done.flatMap((d) => d.faults) };
  }

  /**
   * The threads do nothing more of their own. One that sleeps in a system call ends with that, and on a store that does not answer it sleeps for
   * as long as the store is away: it is waited for a moment only. `ended` is called when the last is gone; until then one may
   * still read and write memory that it was told of.
   */
  async close(ended: () => void = () => {}): Promise<void> {
    const gone = Promise.all(this.#workers.map((worker) => worker.terminate())).then(ended);
    await Promise.race([gone, delay(ENDS_WITHIN_MS, undefined, { ref: false })]);
  }
}

/** One that is made for one piece of work. */
export async function withPool<T>(
  threads: number,
  work: (pool: Pool) => Promise<T>,
  starts: Starts = 'now',
): Promise<T> {
  const pool = new Pool(Math.max(1, threads), starts);
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

function ask(worker: Worker, task: Task): Promise<Reply> {
  return new Promise((resolve) => {
    const settle = (reply: Reply) => {
      worker.off('message', settle).off('error', died).off('exit', left);
      resolve(reply);
    };
    const died = (error: Error) =>
      settle({ ok: false, reason: '', message: `a thread died: ${error.message}` });
    const left = (code: number) => settle({ ok: false, reason: '', message: `a thread ended with ${code}` });
    worker.on('message', settle).on('error', died).on('exit', left);
    // It has ended before we listened (node: Worker.threadId).
    if (worker.threadId === -1) left(-1);
    else worker.postMessage(task);
  });
}
