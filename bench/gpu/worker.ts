/** A process whose memory is captured: started in a cgroup of its own, seen by what it writes, ended by its checked pid. */
import type { SpawnOptions } from 'node:child_process';
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

/** Root of a tree, and the cgroup that it has to itself. */
export interface Running {
  readonly ref: ProcessRef;
  readonly group: string;
}

export interface Worker extends Running {
  readonly file: string;
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
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/root', ...workerEnv() };
  const { ended, ...running } = start(place, name, [...argv, file], { env, stdio: 'ignore' });
  const worker = { ...running, file };
  await Promise.race([roundAfter(worker, 2, limitMs), ended]);
  return worker;
}

export interface Started extends Running {
  /** Rejects when the root has ended. */
  readonly ended: Promise<never>;
}

/** In a cgroup and a session of its own. */
export function start(
  place: Place,
  name: string,
  argv: readonly string[],
  options: Pick<SpawnOptions, 'env' | 'stdio' | 'cwd'>,
): Started {
  const group = join(place.cgroup, name);
  mkdirSync(group, { recursive: true });
  const args = ['-c', JOIN, 'join', join(group, 'cgroup.procs'), ...argv];
  const child = spawn('/bin/sh', args, { detached: true, ...options });
  const ended = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      reject(new Error(`${basename(argv[0] ?? '')} ended: ${signal ?? code}`)),
    );
  });
  ended.catch(() => {}); // its end is expected later on
  const ref = child.pid === undefined ? undefined : processRef(child.pid);
  if (ref === undefined) throw new Error(`${argv[0]} does not start`);
  return { ref, group, ended };
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

export const treeOf = ({ ref }: Pick<Running, 'ref'>): readonly HostPid[] =>
  processTree(ref.pid).filter((pid) => status(pid)?.state !== 'Z');

const GONE_WITHIN_MS = 30_000;

/** Ended and reaped: its pids are free again. */
export async function endWorker(worker: Running): Promise<void> {
  const refs = treeOf(worker).flatMap((pid) => processRef(pid) ?? []);
  for (const ref of [...refs].reverse()) if (isAlive(ref)) process.kill(ref.pid, 'SIGKILL');
  const until = performance.now() + GONE_WITHIN_MS;
  while (refs.some(({ pid }) => existsSync(`/proc/${pid}`))) {
    if (performance.now() > until) throw new Error(`process ${worker.ref.pid} is not reaped`);
    await delay(5);
  }
}
