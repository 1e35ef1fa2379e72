import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { awaitProcess } from '../held';
import { commandLine } from '../node';

let dir: string;
let child: ChildProcess;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'held-'));
  child = spawn('sleep', ['60'], { argv0: 'criu.bin', stdio: 'ignore' });
  await once(child, 'spawn');
});
afterEach(async () => {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  rmSync(dir, { recursive: true });
});

const join_ = (): void => writeFileSync(join(dir, 'cgroup.procs'), `${process.pid}\n${child.pid}\n`);
const isCriu = (pid: number): boolean => commandLine(pid).startsWith('criu.bin');

describe('a process that is to be killed', () => {
  it('is met at once where it is there, whatever else is in its groups', async () => {
    join_();
    expect(await awaitProcess([dir, join(dir, 'gone'), dir], isCriu, 0)).toMatchObject({ pid: child.pid });
  });

  it('is not met where it is not there', async () => {
    expect(await awaitProcess([dir], isCriu, 0)).toBeUndefined();
  });

  it('is met when it comes', async () => {
    const met = awaitProcess([dir], isCriu, 20_000);
    join_();
    expect(await met).toMatchObject({ pid: child.pid });
  });

  it('is not met once it has ended', async () => {
    join_();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await awaitProcess([dir], isCriu, 0)).toBeUndefined();
  });
});
