/** The worker threads that copy, digest and write memory. They are started before anything stands still. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Extent } from '../linux/extent';
import type { Region } from '../linux/memory';
import type { TableMemory } from './table';

export type Task =
  | { readonly do: 'populate'; readonly region: Region }
  | { readonly do: 'open'; readonly path: string; readonly shard: number }
  | { readonly do: 'copy'; readonly table: TableMemory }
  | { readonly do: 'store'; readonly table: TableMemory }
  | { readonly do: 'sync' }
  | { readonly do: 'fill'; readonly table: TableMemory; readonly shards: readonly string[] };

/** A row whose pages of zeros were left out: what remains of it. */
export interface Dropped {
  readonly row: number;
  readonly extents: readonly Extent[];
}

export type Reply =
  | { readonly ok: true; readonly dropped: readonly Dropped[]; readonly ms: number }
  /** An empty reason: no TerminalError. */
  | { readonly ok: false; readonly reason: string; readonly message: string };

/** Beside the bundle; or the source, where we run from it. */
const fromSource = __filename.endsWith('.ts');
const program = join(__dirname, fromSource ? 'worker.ts' : 'memory-worker.cjs');

export class Pool {
  readonly #workers: readonly Worker[];

  /** One thread a shard. */
  constructor(threads: number) {
    const execArgv = fromSource ? ['--require', 'tsx/cjs'] : [];
    this.#workers = Array.from({ length: threads }, () => new Worker(program, { execArgv }));
    // A thread that dies while it is asked is told by `#ask`; between two tasks nothing can be done about it.
    for (const worker of this.#workers) worker.on('error', () => {});
  }

  get threads(): number {
    return this.#workers.length;
  }

  /** Every thread performs its task; the first failure is thrown when all have ended. */
  async run(taskOf: (thread: number) => Task): Promise<readonly Dropped[]> {
    const replies = await Promise.all(this.#workers.map((worker, i) => ask(worker, taskOf(i))));
    return replies.flatMap((reply) => {
      if (reply.ok) return reply.dropped;
      throw reply.reason === '' ? new Error(reply.message) : new TerminalError(reply.reason, reply.message);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

function ask(worker: Worker, task: Task): Promise<Reply> {
  return new Promise((resolve) => {
    const settle = (reply: Reply) => {
      worker.off('message', settle).off('error', died).off('exit', left);
      resolve(reply);
    };
    const died = (error: Error) =>
      settle({ ok: false, reason: '', message: `a copying thread died: ${error.message}` });
    const left = (code: number) =>
      settle({ ok: false, reason: '', message: `a copying thread ended with ${code}` });
    worker.on('message', settle).on('error', died).on('exit', left);
    // It has ended before we listened (node: Worker.threadId).
    if (worker.threadId === -1) left(-1);
    else worker.postMessage(task);
  });
}
