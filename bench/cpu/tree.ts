/** The tree that is measured: starts it, asks it for the checksums of its memory, ends it. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import { hostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import { processTree, startTime } from '@dynamo-snapshot/node-agent/linux/proc';

const PARTS = ['root', 'child'] as const;

export interface TreeOptions {
  /** Of the compiler. */
  readonly flags?: readonly string[];
  /** Where there are several. */
  readonly name?: string;
}

export class Tree {
  readonly #dir: string;
  readonly #program: string;
  /** Of its own, so that CRIU can freeze it as it freezes a container. */
  readonly freezer: string;
  root: HostPid | undefined;

  /** `source` is a C file beside this one. */
  constructor(dir: string, source: string, { flags = [], name = 'tree' }: TreeOptions = {}) {
    this.#dir = join(dir, 'out');
    this.#program = join(dir, 'tree');
    mkdirSync(this.#dir, { recursive: true });
    execFileSync('cc', ['-O2', ...flags, '-o', this.#program, join('bench/cpu', source), '-lpthread']);
    const unified = '/sys/fs/cgroup/unified';
    this.freezer = join(
      existsSync(unified) ? unified : '/sys/fs/cgroup',
      `dynamo-snapshot-bench-${name}-${process.pid}`,
    );
    mkdirSync(this.freezer, { recursive: true });
  }

  async start(mib: number): Promise<HostPid> {
    const join_ = 'echo 0 > "$1/cgroup.procs" && shift && exec setsid "$@"';
    const argv = ['-c', join_, 'join', this.freezer, this.#program, String(mib), this.#dir];
    for (const part of PARTS) rmSync(join(this.#dir, part), { force: true });
    const child = spawn('/bin/sh', argv, { stdio: 'ignore', cwd: '/', detached: true });
    child.unref();
    await this.filled();
    const members = readFileSync(join(this.freezer, 'cgroup.procs'), 'utf8').trim().split('\n').map(Number);
    this.root = hostPid(Math.min(...members));
    return this.root;
  }

  /** Both have said for the first time what they have. */
  protected filled(): Promise<void> {
    return until(() => PARTS.every((part) => existsSync(join(this.#dir, part))), 600_000);
  }

  /** A restored one, in place of the one that was ended. */
  adopt(root: HostPid): void {
    this.root = root;
    for (const pid of this.#pids()) writeFileSync(join(this.freezer, 'cgroup.procs'), String(pid));
  }

  /** Of both processes: their own memory and what they share. They must run to answer. */
  async checksums(): Promise<string> {
    for (const part of PARTS) rmSync(join(this.#dir, part), { force: true });
    for (const pid of this.#pids()) process.kill(pid, 'SIGUSR1');
    await until(() => PARTS.every((part) => existsSync(join(this.#dir, part))), 600_000);
    return PARTS.map((part) =>
      readFileSync(join(this.#dir, part), 'utf8').split(' ').slice(0, 2).join(' '),
    ).join(' | ');
  }

  async end(): Promise<void> {
    const pids = this.#pids();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await until(() => pids.every((pid) => startTime(pid) === undefined || isZombie(pid)), 60_000);
    await until(() => readFileSync(join(this.freezer, 'cgroup.procs'), 'utf8').trim() === '', 60_000);
    await until(() => pids.every((pid) => startTime(pid) === undefined), 60_000);
  }

  close(): void {
    rmdirSync(this.freezer);
  }

  #pids(): readonly HostPid[] {
    return this.root === undefined
      ? []
      : processTree(this.root).filter((pid) => startTime(pid) !== undefined);
  }
}

const isZombie = (pid: number): boolean => / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

async function until(is: () => boolean, ms: number): Promise<void> {
  const end = Date.now() + ms;
  while (!is()) {
    if (Date.now() > end) throw new Error(`not after ${ms} ms: ${is.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
