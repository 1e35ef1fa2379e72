import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { ensureCheckpointctl } from '../../e2e/cluster/toolchain';
import { command } from '@dynamo-snapshot/node-agent/linux/command';
import { hostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import { ensureCriu } from './criu';
import { Ours, restoreArgs } from './ours';
import { Tree } from './tree';

const MIB = 24;

let dir: string;
let shim: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'export-engine-'));
  shim = join(dir, 'rlimit-shim.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', shim, 'node-agent/native/rlimit-shim.c']);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const plugin = (...args: readonly string[]) =>
  execFileSync('node_modules/.bin/tsx', ['kubectl-snapshot/src/main.ts', ...args], { encoding: 'utf8' });

describe('an export for CRIU', () => {
  let tree: Tree;
  let before: string;
  let ours: Ours;
  const artifact = () => join(dir, 'ours/artifact');
  const archive = () => join(dir, 'export.tar');

  beforeAll(async () => {
    tree = new Tree(dir, 'varied.c', { name: 'export' });
    const root = await tree.start(MIB);
    before = await tree.checksums();
    ours = new Ours(dir, ensureCriu(), shim, 'memory');
    await ours.capture(root, tree.freezer);
    await tree.end();
    plugin('export', '--criu', artifact(), archive());
  });
  afterAll(() => tree.close());

  it('is read by checkpointctl: the processes, and how much memory each has in the images', async () => {
    const checkpointctl = await ensureCheckpointctl(() => {});
    const read = (...args: readonly string[]) =>
      execFileSync(checkpointctl, [...args, archive()], { encoding: 'utf8' });
    const pid = String(tree.root);
    expect(read('inspect', '--all')).toContain(`[${pid}]`);
    const [, own, , shared] = /^(\d+) +tree +(\S+) (\S+) +(\S+) MiB/m.exec(read('memparse'))?.slice(1) ?? [];
    expect(Number(own)).toBeGreaterThan(MIB);
    expect(Number(shared)).toBe(MIB + 8);
  });

  it('is restored by criu restore alone, every byte of its memory as it was', async () => {
    const out = join(dir, 'archive');
    mkdirSync(out);
    execFileSync('tar', ['-xf', archive(), '-C', out]);
    const pidFile = join(dir, 'criu.pid');
    const argv = restoreArgs(ensureCriu(), join(out, 'checkpoint'), dir, pidFile);
    const env = { PATH: process.env['PATH'] ?? '', SNAPSHOT_RLIMIT_PRELOAD: shim };
    const { code, stderr } = await command(argv, { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr });
    tree.adopt(hostPid(readFileSync(pidFile, 'utf8').trim()));
    expect(await tree.checksums()).toBe(before);
    await tree.end();
  });

  it('is an artifact that the engine restores, too', async () => {
    rmSync(artifact(), { recursive: true });
    plugin('import', archive(), '--dir', artifact());
    expect(plugin('verify', artifact())).toContain('intact');
    const { dump } = JSON.parse(readFileSync(join(artifact(), 'manifest.json'), 'utf8')) as Manifest;
    expect(dump).toMatchObject({ pages: 'criu', why: expect.stringContaining('--criu') });
    tree.adopt((await ours.restore()).root);
    expect(await tree.checksums()).toBe(before);
    await tree.end();
  });
});
