/** Memory behind a gate, on a real tree: whoever reads it waits until it is there, and it is filled in while the tree runs. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DriverArea } from '@dynamo-snapshot/node-agent/gate/plan';
import { mapsOf } from '@dynamo-snapshot/node-agent/linux/maps';
import type { HostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import { processTree, status } from '@dynamo-snapshot/node-agent/linux/proc';
import { comesTrue } from '@dynamo-snapshot/node-agent/linux/wait';
import { ensureCriu } from './criu';
import { Ours } from './ours';
import { Tree } from './tree';

/** So that each process has more than a gate is worth. */
const MIB = 640;
const LEAST_BYTES = 64 << 20;
const ZEROS = { from: 80 << 20, length: 96 << 20 };

let dir: string;
let tree: Tree;
let ours: Ours;
let before: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'gate-engine-'));
  const shim = join(dir, 'rlimit-shim.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', shim, 'node-agent/native/rlimit-shim.c']);
  tree = new Tree(dir, 'tree.c', { name: 'gate' });
  ours = new Ours(dir, ensureCriu(), shim);
  await tree.start(MIB);
  zeros(root());
  before = await tree.checksums();
});
afterAll(async () => {
  await tree.end();
  tree.close();
  rmSync(dir, { recursive: true, force: true });
});

const root = (): HostPid => {
  if (tree.root === undefined) throw new Error('there is no tree');
  return tree.root;
};

/** As much of the first process's own memory as stays outside of a gate. */
function zeros(pid: HostPid): void {
  const { start = 0 } = areas()[0] ?? {};
  const fd = openSync(`/proc/${pid}/mem`, 'r+');
  writeSync(fd, Buffer.alloc(ZEROS.length), 0, ZEROS.length, start + ZEROS.from);
  closeSync(fd);
}

/** The own memory of each process, as if its driver had mapped it. */
const areas = (): readonly DriverArea[] =>
  processTree(root()).flatMap((pid) =>
    mapsOf(pid)
      .filter((m) => !m.shared && !m.named && m.writable && m.end - m.start >= LEAST_BYTES)
      .map(({ start, end }) => ({ pid: status(pid)?.nsPids.at(-1) ?? 0, start, end })),
  );

const waitsAtTheGate = (pid: HostPid): boolean =>
  readFileSync(`/proc/${pid}/wchan`, 'utf8') === 'handle_userfault';

/** Both have begun to sum up their memory, and do not get on. */
async function readers(): Promise<void> {
  const pids = processTree(root());
  for (const pid of pids) process.kill(pid, 'SIGUSR1');
  expect(await comesTrue(() => pids.every(waitsAtTheGate), 10_000)).toBe(true);
}

it('captures a tree whose own memory is to be gated', async () => {
  ours.areas = areas();
  expect(ours.areas).toHaveLength(2);
  await ours.capture(root(), tree.freezer);
  expect(await tree.checksums()).toBe(before);
});

it('lets nobody read before it is there, and gives every reader what was captured', async () => {
  await tree.end();
  const restored = await ours.restore(async (pid) => {
    tree.adopt(pid);
    await readers();
  });
  expect(restored.steps.map(({ step }) => step)).toContain('fillBehind');
  expect(await tree.checksums()).toBe(before);
});

it('gives memory of which nobody reads a page before', async () => {
  await tree.end();
  tree.adopt((await ours.restore()).root);
  expect(await tree.checksums()).toBe(before);
});

it('keeps what a clone writes out of the file, and other clones', async () => {
  await tree.end();
  tree.adopt((await ours.restore()).root);
  const [area, behindZeros] = areasOfFile(root());
  expect((behindZeros?.start ?? 0) - (area?.end ?? 0)).toBeGreaterThanOrEqual(ZEROS.length - (4 << 20));
  const fd = openSync(`/proc/${root()}/mem`, 'r+');
  const had = Buffer.alloc(1);
  writeSync(fd, Buffer.from([1 + (had[0] ?? 0)]), 0, 1, area?.start ?? 0);
  closeSync(fd);
  expect(await tree.checksums()).not.toBe(before);
  await tree.end();
  tree.adopt((await ours.restore()).root);
  expect(await tree.checksums()).toBe(before);
});

const areasOfFile = (pid: HostPid) =>
  mapsOf(pid).filter((m) => !m.shared && m.inode !== 0 && m.end - m.start >= LEAST_BYTES);

it('leaves its readers waiting where the memory is damaged, and they can be ended', async () => {
  await tree.end();
  const shard = join(dir, 'ours/artifact/pages/shard-0');
  const fd = openSync(shard, 'r+');
  writeSync(fd, 'damaged', 8 << 20);
  closeSync(fd);
  const restoring = ours.restore(async (pid) => {
    tree.adopt(pid);
    await readers();
  });
  await expect(restoring).rejects.toThrow('has another content');
  expect(processTree(root()).some(waitsAtTheGate)).toBe(true);
});
