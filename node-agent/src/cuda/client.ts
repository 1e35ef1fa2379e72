/** The engine's end of the helper: starts it, gives each call a deadline, and turns a hang or a crash of the driver into a reason. */
import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { AnswerLine, CudaAnswer, CudaCall } from './protocol';
import { failureOf } from './result';

/** How to start the helper; the engine itself with the word `cuda`. */
export type HelperCommand = readonly [string, ...string[]];

/** Calls to several processes run side by side, and a state can be asked for meanwhile. */
const THREADS = '64';
const STDERR_KEPT = 2000;

interface Waiting {
  readonly call: CudaCall;
  readonly resolve: (answer: CudaAnswer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class CudaHelper {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #stderr = '';
  #ended: TerminalError | undefined;

  constructor([file, ...args]: HelperCommand) {
    this.#child = spawn(file, args, {
      env: { ...process.env, UV_THREADPOOL_SIZE: THREADS },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A signal that is meant for us shall not cut a call of the driver in two.
      detached: true,
    });
    // Only a call that waits, by its timer, keeps us alive.
    this.#child.unref();
    for (const pipe of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) unref(pipe);
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(line));
    this.#child.stderr.on('data', (text: Buffer) => {
      this.#stderr = (this.#stderr + text.toString()).slice(-STDERR_KEPT);
    });
    this.#child.stdin.on('error', () => {}); // its end is told by 'close'
    this.#child.on('error', (cause) => this.#end(`it does not start: ${cause.message}`));
    this.#child.on('close', (code, signal) => this.#end(`it ended with ${signal ?? `exit ${code}`}`));
  }

  /** Throws CudaHang where no answer comes in time; the helper is ended then, for its thread is lost. Throws CudaHelperLost on its end. */
  call(call: CudaCall, deadlineMs: number): Promise<CudaAnswer> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#late(id, deadlineMs), deadlineMs);
      this.#waiting.set(id, { call, resolve, reject, timer });
      this.#child.stdin.write(`${JSON.stringify({ id, ...call })}\n`);
    });
  }

  /** It ends by itself when what it still does is done. */
  close(): void {
    this.#child.stdin.end();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  #hear(line: string): void {
    const { id, ...answer } = JSON.parse(line) as AnswerLine;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.resolve(answer);
  }

  #late(id: number, deadlineMs: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    const { call, reject } = waiting;
    const what = failureOf(call, {
      rc: -1,
      message: `no answer within ${Math.round(deadlineMs / 100) / 10} s`,
    });
    reject(new TerminalError('CudaHang', what));
    this.#child.kill('SIGKILL');
  }

  #end(how: string): void {
    const last = this.#stderr.trim().split('\n').pop() ?? '';
    this.#ended ??= new TerminalError(
      'CudaHelperLost',
      `the CUDA helper: ${how}${last === '' ? '' : `: ${last}`}`,
    );
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(this.#ended);
    }
    this.#waiting.clear();
  }
}

/** Pipes of a child are sockets (node: child_process). */
function unref(pipe: Readable | Writable): void {
  if (pipe instanceof Socket) pipe.unref();
}

/** Calls through a helper that is started when it is needed, and again after it was lost. */
export class Cuda {
  readonly #command: HelperCommand;
  #helper: CudaHelper | undefined;

  constructor(command: HelperCommand) {
    this.#command = command;
  }

  async call(call: CudaCall, deadlineMs: number): Promise<CudaAnswer> {
    const helper = (this.#helper ??= new CudaHelper(this.#command));
    try {
      return await helper.call(call, deadlineMs);
    } catch (error) {
      if (this.#helper === helper) this.#helper = undefined;
      throw error;
    }
  }

  close(): void {
    this.#helper?.close();
    this.#helper = undefined;
  }
}
