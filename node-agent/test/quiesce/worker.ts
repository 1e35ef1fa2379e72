/** A worker with hooks, in a network namespace of its own: what it is asked goes to a file, one line each. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../../controller/test/until';
import type { ProcessRef } from '../../src/linux/ids';
import { processRef } from '../../src/linux/proc';

export const PORT = 8000;

const SERVER = `
const fs = require('fs'), http = require('http');
const [, file, delay] = process.argv;
const server = http.createServer((request, response) => {
  fs.appendFileSync(file, request.method + ' ' + request.url + '\\n');
  if (request.url === '/hang') return;
  response.statusCode = Number(/\\d+$/.exec(request.url)?.[0] ?? 200);
  response.end('said so');
});
setTimeout(() => server.listen(${PORT}, '127.0.0.1'), Number(delay));
fs.writeFileSync(file, '');
`;

export class Worker {
  readonly #dir = mkdtempSync(join(tmpdir(), 'quiesce-'));
  readonly #file = join(this.#dir, 'asked');
  readonly #child: ChildProcess;

  private constructor(listenAfterMs: number) {
    const script = 'ip link set lo up && exec "$@"';
    const server = [process.execPath, '-e', SERVER, this.#file, String(listenAfterMs)];
    this.#child = spawn('unshare', ['--net', 'sh', '-c', script, 'sh', ...server], { stdio: 'inherit' });
  }

  static async start(listenAfterMs = 0): Promise<Worker> {
    const worker = new Worker(listenAfterMs);
    await until('the worker runs', () => existsSync(worker.#file), 20_000);
    return worker;
  }

  get process(): ProcessRef {
    const ref = processRef(this.#child.pid ?? 0);
    if (ref === undefined) throw new Error('the worker has ended');
    return ref;
  }

  get asked(): readonly string[] {
    return readFileSync(this.#file, 'utf8').trim().split('\n').filter(Boolean);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
    rmSync(this.#dir, { recursive: true });
  }
}
