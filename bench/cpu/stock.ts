/** CRIU by itself, with the same options. Its page files are synced too, so that both captures end at the same point. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { dumpArgs } from '@dynamo-snapshot/node-agent/criu/args';
import { frozenSeconds } from '@dynamo-snapshot/node-agent/criu/stats';
import { command } from '@dynamo-snapshot/node-agent/linux/command';
import type { HostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import { hostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import { inode } from '@dynamo-snapshot/node-agent/linux/proc';
import { restoreArgs } from './ours';
import type { Captured, Restored, Side } from './side';

export class Stock implements Side {
  readonly name = 'criu 4.2';
  readonly #dir: string;
  readonly #criu: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(dir: string, criu: string, shim: string) {
    this.#dir = dir;
    this.#criu = criu;
    this.#env = { PATH: process.env['PATH'] ?? '', SNAPSHOT_RLIMIT_PRELOAD: shim };
  }

  async capture(root: HostPid, freezer: string): Promise<Captured> {
    const images = join(this.#dir, 'stock');
    rmSync(images, { recursive: true, force: true });
    mkdirSync(images);
    const job = {
      criu: this.#criu,
      pid: root,
      images,
      freezer,
      externalMounts: [],
      join: [],
      actionScript: '',
    };
    const argv = dumpArgs({ ...job, netInode: inode(`/proc/${root}/ns/net`) ?? 0 });
    const script = argv.indexOf('--action-script');
    const from = performance.now();
    const { code, stderr } = await command(
      argv.filter((_, i) => i !== script && i !== script + 1),
      { env: this.#env },
    );
    if (code !== 0) throw new Error(`criu dump: exit ${code}: ${stderr}`);
    const dumped = (performance.now() - from) / 1000;
    const files = readdirSync(images).map((name) => join(images, name));
    files.forEach(sync);
    return {
      pausedSeconds: frozenSeconds(readFileSync(join(images, 'stats-dump'))) ?? 0,
      seconds: (performance.now() - from) / 1000,
      bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
      steps: [{ step: 'dump', seconds: dumped }],
    };
  }

  async restore(): Promise<Restored> {
    const pidFile = join(this.#dir, 'stock.pid');
    rmSync(pidFile, { force: true });
    const from = performance.now();
    const argv = restoreArgs(this.#criu, join(this.#dir, 'stock'), this.#dir, pidFile);
    const { code, stderr } = await command(argv, { env: this.#env });
    if (code !== 0) throw new Error(`criu restore: exit ${code}: ${stderr}`);
    const root = hostPid(readFileSync(pidFile, 'utf8').trim());
    return { root, seconds: (performance.now() - from) / 1000, steps: [] };
  }
}

export function sync(path: string): void {
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
}
