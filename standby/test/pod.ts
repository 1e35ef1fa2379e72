/** Compiles standby and runs it as PID 1 of a pid namespace. Importing this arranges it for the tests of the importing file. */
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { standbyComm, standbySignal } from '@dynamo-snapshot/api/control';
import { sigqueue } from '../../node-agent/src/linux/syscalls';
import { buildStandby } from './build';

export const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;

let built: string;
export let standby: string;
export let dir: string;
beforeAll(() => {
  built = mkdtempSync(join(tmpdir(), 'standby-built-'));
  standby = join(built, 'standby');
  buildStandby(standby);
}, 60_000);
afterAll(() => rmSync(built, { recursive: true }));
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'standby-'))));

export interface Pod {
  readonly outer: ChildProcess;
  /** Host pid of standby. */
  readonly pid: number;
  readonly stderr: () => string;
  /** Exit status of standby; 128 + n for a signal. */
  readonly ended: Promise<number>;
}

const pods: Pod[] = [];
afterEach(async () => {
  for (const { outer, ended } of pods.splice(0)) {
    outer.kill('SIGKILL'); // unshare takes PID 1 with it, and PID 1 its namespace
    await ended;
  }
  rmSync(dir, { recursive: true });
});

export const comm = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();

export async function until(what: string, claim: () => boolean): Promise<void> {
  const end = performance.now() + 3000;
  while (!claim()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((later) => setTimeout(later, 10));
  }
}

export const start = (...args: readonly string[]): Promise<Pod> => startProgram(standby, args);

/** A copy of its own: what standby keeps beside itself is the pod's. */
export async function startProgram(
  program: string,
  args: readonly string[],
  says = 'waiting for restore',
): Promise<Pod> {
  const outer = spawn('unshare', ['--pid', '--fork', '--kill-child', '--mount-proc', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  outer.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  outer.stdout.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = once(outer, 'close').then(([code, signal]) => (signal === null ? (code as number) : 137));
  await until('standby waits', () => stderr.includes(says));
  const [pid] = readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .map(Number);
  if (pid === undefined || !(pid > 1)) throw new Error('standby has no pid');
  const pod = { outer, pid, stderr: () => stderr, ended };
  pods.push(pod);
  return pod;
}

/**
 * Runs a script as an orphan that standby inherits, like a restored root; its pid in standby's namespace. A background job of sh is
 * no group leader, so setsid(1) does not fork; it starts with SIGINT and SIGQUIT ignored.
 */
export async function restored(pod: Pod, script: string): Promise<number> {
  const file = join(dir, `pid-${readdirSync(dir).length}`);
  const ns = `/proc/${pod.pid}/ns`;
  spawnSync('nsenter', [
    ...[`--pid=${ns}/pid`, `--mount=${ns}/mnt`, '--', 'sh', '-c'],
    ...[
      'F=$1; shift; setsid sh -c "$1" orphan "$F" </dev/null >/dev/null 2>&1 & echo $! > "$F.part"; mv "$F.part" "$F"',
      'sh',
      file,
    ],
    script,
  ]);
  await until('the worker has a pid', () => existsSync(file) && readFileSync(file, 'utf8').trim() !== '');
  return Number(readFileSync(file, 'utf8'));
}

export const adopt = (pod: Pod, pid: number): void => sigqueue(pod.pid, standbySignal.adopt, pid);
export const isLive = (pod: Pod) => until('standby adopts', () => comm(pod.pid) === standbyComm.restored);
export const ready = (name: string) => until(name, () => existsSync(join(dir, name)));
