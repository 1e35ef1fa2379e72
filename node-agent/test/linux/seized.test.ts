import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostPid } from '../../src/linux/ids';
import { hostPid } from '../../src/linux/ids';
import { processTree } from '../../src/linux/proc';
import { isStillTraced, tracerOf, whenSeized } from '../../src/linux/seized';

const NO_FREEZER = '/nonexistent';

let dir: string;
let shell: ChildProcess;
let tracer: ChildProcess | undefined;
let root: HostPid;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'seized-'));
  execFileSync('gcc', ['-O1', '-Wall', '-o', join(dir, 'tracer'), 'node-agent/test/linux/tracer.c']);
});
/** A shell with a child. */
beforeEach(async () => {
  shell = spawn('sh', ['-c', 'sleep 600 & echo ready; wait'], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (shell.stdout !== null) await once(shell.stdout, 'data');
  root = hostPid(shell.pid ?? 0);
});
afterEach(async () => {
  await end(tracer);
  for (const pid of processTree(root)) process.kill(pid, 'SIGKILL');
});
afterAll(() => rmSync(dir, { recursive: true }));

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function trace(pids: readonly number[]): Promise<number> {
  tracer = spawn(join(dir, 'tracer'), pids.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  if (tracer.stdout !== null) await once(tracer.stdout, 'data');
  return tracer.pid ?? 0;
}

it('knows who has a whole tree', async () => {
  expect(tracerOf(root, NO_FREEZER)).toBeUndefined();
  const pid = await trace(processTree(root));
  expect(tracerOf(root, NO_FREEZER)).toBe(pid);
  expect(isStillTraced(root, pid)).toBe(true);
});

it('is not content with a part of it', async () => {
  const pid = await trace([root]);
  expect(tracerOf(root, NO_FREEZER)).toBeUndefined();
  expect(isStillTraced(root, pid)).toBe(false);
});

it('notices that the tree was let go', async () => {
  const pid = await trace(processTree(root));
  await end(tracer);
  expect(isStillTraced(root, pid)).toBe(false);
});

it('waits for it', async () => {
  const waiting = whenSeized(root, NO_FREEZER, new AbortController().signal);
  const pid = await trace(processTree(root));
  expect(await waiting).toBe(pid);
});

it('waits no longer than it matters', async () => {
  const control = new AbortController();
  const waiting = whenSeized(root, NO_FREEZER, control.signal);
  control.abort();
  expect(await waiting).toBeUndefined();
});
