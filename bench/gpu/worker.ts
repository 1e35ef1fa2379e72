/** A process whose memory is captured: started in a cgroup of its own, seen by what it writes, ended by its checked pid. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostPid, ProcessRef } from '@dynamo-snapshot/node-agent/linux/ids';
import { isAlive, processRef, processTree, status } from '@dynamo-snapshot/node-agent/linux/proc';
import type { Place } from './place';

/** What it wrote after a round of work: a growing number, and what must stay the same. */
export interface Round {
  readonly round: number;
  readonly sum: string;
}

export interface Worker {
  readonly ref: ProcessRef;
  readonly file: string;
  readonly group: string;
}

/** Joins the group, then becomes the worker. */
const JOIN = 'echo 0 > "$1" || exit 125; shift; exec "$@"';

/** Returns when it has worked for some rounds. */
export async function startWorker(
  place: Place,
  name: string,
  argv: readonly string[],
  limitMs: number,
): Promise<Worker> {
  const file = join(place.work, `${name}.round`);
  rmSync(file, { force: true });
  const group = join(place.cgroup, name);
  mkdirSync(group, { recursive: true });
  const child = spawn('/bin/sh', ['-c', JOIN, 'join', join(group, 'cgroup.procs'), ...argv, file], {
    detached: true,
    stdio: 'ignore',
    env: { PATH: process.env['PATH'] ?? '', HOME: '/root', ...workerEnv() },
  });
  const ended = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      reject(new Error(`${basename(argv[0] ?? '')} ended: ${signal ?? code}`)),
    );
  });
  ended.catch(() => {}); // its end is expected later on
  const ref = child.pid === undefined ? undefined : processRef(child.pid);
  if (ref === undefined) throw new Error(`${argv[0]} does not start`);
  const worker = { ref, file, group };
  await Promise.race([roundAfter(worker, 2, limitMs), ended]);
  return worker;
}

/** The driver's libraries may lie where only this names them. */
const workerEnv = (): Record<string, string> =>
  Object.fromEntries(
    ['LD_LIBRARY_PATH', 'FAKE_CUDA'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

export function roundNow({ file }: Pick<Worker, 'file'>): Round | undefined {
  if (!existsSync(file)) return undefined;
  const [round = '', sum = ''] = readFileSync(file, 'utf8').trim().split(' ');
  return { round: Number(round), sum };
}

/** The first round whose number is above `after`: the worker serves. */
export async function roundAfter(
  worker: Pick<Worker, 'file'>,
  after: number,
  limitMs: number,
): Promise<Round> {
  const found = () => {
    const round = roundNow(worker);
    return round !== undefined && round.round > after ? round : undefined;
  };
  const until = AbortSignal.timeout(limitMs);
  return new Promise((resolve, reject) => {
    const watcher = watch(dirname(worker.file), look);
    const late = () => end(() => reject(new Error(`no round after ${after} within ${limitMs / 1000} s`)));
    until.addEventListener('abort', late, { once: true });
    function end(settle: () => void): void {
      watcher.close();
      until.removeEventListener('abort', late);
      settle();
    }
    function look(): void {
      const round = found();
      if (round !== undefined) end(() => resolve(round));
    }
    look();
  });
}

export const treeOf = ({ ref }: Worker): readonly HostPid[] =>
  processTree(ref.pid).filter((pid) => status(pid)?.state !== 'Z');

const GONE_WITHIN_MS = 30_000;

/** Ended and reaped: its pids are free again. */
export async function endWorker(worker: Worker): Promise<void> {
  const refs = treeOf(worker).flatMap((pid) => processRef(pid) ?? []);
  for (const ref of [...refs].reverse()) if (isAlive(ref)) process.kill(ref.pid, 'SIGKILL');
  const until = performance.now() + GONE_WITHIN_MS;
  while (refs.some(({ pid }) => existsSync(`/proc/${pid}`))) {
    if (performance.now() > until) throw new Error(`process ${worker.ref.pid} is not reaped`);
    await delay(5);
  }
}
