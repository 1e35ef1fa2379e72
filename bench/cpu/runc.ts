/** `runc checkpoint` and `runc restore` on a tree of their own: the same program, as the only one of a container. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { frozenSeconds } from '@dynamo-snapshot/node-agent/criu/stats';
import type { HostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import { hostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import type { Captured, Restored, Side } from './side';
import { sync } from './stock';
import { Tree } from './tree';

const NAME = 'dynamo-snapshot-bench';

/** Whether this machine has one. */
export const isRuncHere = (): boolean => spawnSync('runc', ['--version']).status === 0;

class Runc {
  readonly bundle: string;
  readonly #root: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(dir: string, criu: string, shim: string) {
    this.bundle = join(dir, 'runc');
    this.#root = join(this.bundle, 'state');
    const path = `${dirname(criu)}:${process.env['PATH'] ?? ''}`;
    this.#env = { PATH: path, SNAPSHOT_RLIMIT_PRELOAD: shim };
  }

  /** Its container has no descriptor of ours: runc opens /dev/null for it anew. */
  call(...args: readonly string[]): string {
    const stdio = args[0] === 'state' ? 'pipe' : 'ignore';
    const argv = ['--root', this.#root, '--log', join(this.bundle, 'log'), ...args];
    const { status, stdout } = spawnSync('runc', argv, {
      env: this.#env,
      stdio: ['ignore', stdio, 'ignore'],
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`runc ${args[0]}: exit ${status}: ${this.#said()}`);
    return stdout ?? '';
  }

  #said = (): string => {
    const log = join(this.bundle, 'log');
    return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').slice(-2).join('; ') : '';
  };

  get pid(): HostPid {
    return hostPid((JSON.parse(this.call('state', NAME)) as { pid: number }).pid);
  }
}

class RuncTree extends Tree {
  readonly #runc: Runc;

  constructor(runc: Runc) {
    super(join(runc.bundle, 'rootfs'), 'tree.c', { flags: ['-static'], name: 'runc' });
    this.#runc = runc;
  }

  override async start(mib: number): Promise<HostPid> {
    for (const folder of ['proc', 'dev'])
      mkdirSync(join(this.#runc.bundle, 'rootfs', folder), { recursive: true });
    writeFileSync(join(this.#runc.bundle, 'config.json'), JSON.stringify(container(mib)));
    this.#runc.call('run', '--detach', '--bundle', this.#runc.bundle, NAME);
    await this.filled();
    this.root = this.#runc.pid;
    return this.root;
  }

  /** It stays in the cgroup that runc made. */
  override adopt(root: HostPid): void {
    this.root = root;
  }

  override close(): void {
    super.close();
    this.#runc.call('delete', '--force', NAME);
  }
}

/** Of the OCI runtime specification what the program needs. */
const container = (mib: number) => ({
  ociVersion: '1.0.2',
  process: { user: { uid: 0, gid: 0 }, args: ['/tree', String(mib), '/out'], cwd: '/', env: ['PATH=/'] },
  root: { path: 'rootfs' },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
  ],
  linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }], cgroupsPath: `/${NAME}-${process.pid}` },
});

export class RuncSide implements Side {
  readonly name = 'runc checkpoint';
  readonly tree: Tree;
  readonly #runc: Runc;

  constructor(dir: string, criu: string, shim: string) {
    this.#runc = new Runc(dir, criu, shim);
    this.tree = new RuncTree(this.#runc);
  }

  get #paths(): readonly string[] {
    const { bundle } = this.#runc;
    return ['--image-path', join(bundle, 'images'), '--work-path', join(bundle, 'work'), '--file-locks'];
  }

  capture(): Promise<Captured> {
    const { bundle } = this.#runc;
    for (const name of ['images', 'work']) rmSync(join(bundle, name), { recursive: true, force: true });
    mkdirSync(join(bundle, 'work'));
    const from = performance.now();
    this.#runc.call('checkpoint', ...this.#paths, '--leave-running', NAME);
    const dumped = (performance.now() - from) / 1000;
    const files = readdirSync(join(bundle, 'images')).map((name) => join(bundle, 'images', name));
    files.forEach(sync);
    return Promise.resolve({
      pausedSeconds: frozenSeconds(readFileSync(join(bundle, 'work/stats-dump'))) ?? 0,
      seconds: (performance.now() - from) / 1000,
      bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
      steps: [{ step: 'dump', seconds: dumped }],
    });
  }

  restore(): Promise<Restored> {
    const { bundle } = this.#runc;
    this.#runc.call('delete', '--force', NAME);
    const from = performance.now();
    this.#runc.call('restore', '--detach', '--bundle', bundle, ...this.#paths, NAME);
    const seconds = (performance.now() - from) / 1000;
    return Promise.resolve({ root: this.#runc.pid, seconds, steps: [] });
  }
}
