import { chmodSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '../src/job';
import { restoreTree } from '../src/criu';
import { job, manifest } from './manifest';

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'criu-'))));
afterEach(() => rmSync(dir, { recursive: true }));

/** A job whose criu is a script; `$W` is the work folder. */
function scripted(script: string, deadlineMs = 5000): Job {
  const criu = join(dir, 'criu');
  writeFileSync(criu, `#!/bin/sh\nW=${dir}\n${script}\n`);
  chmodSync(criu, 0o755);
  const nothing = openSync('/dev/null', 'r+');
  const fds = { net: nothing, stdin: nothing, stdout: nothing, stderr: nothing };
  return job({ criu, work: dir, cgroupProcs: [], oomScoreAdj: '0', deadlineMs, fds });
}

describe('restoreTree', () => {
  it('tells the pid of the restored root', async () => {
    await expect(restoreTree(scripted('echo 23 > $W/restored.pid'), manifest({}))).resolves.toBe(23);
  });

  it('gives criu its descriptors under the numbers that the command line says', async () => {
    const net = join(dir, 'net');
    writeFileSync(net, 'the network');
    const base = scripted('cat <&3 > $W/seen; echo 5 > $W/restored.pid');
    await restoreTree({ ...base, fds: { ...base.fds, net: openSync(net, 'r') } }, manifest({}));
    expect(readFileSync(join(dir, 'seen'), 'utf8')).toBe('the network');
  });

  it('does not believe the pid of an earlier attempt', async () => {
    writeFileSync(join(dir, 'restored.pid'), '7');
    await expect(restoreTree(scripted('exit 0'), manifest({}))).rejects.toThrow();
  });

  it('fails with the first and the last errors of the log, and no others', async () => {
    const log = [1, 2, 3, 4, 5]
      .map((n) => `(00.00${n}) Error (criu/x.c:${n}): fault ${n}\n(00.1) Info: fine`)
      .join('\n');
    writeFileSync(join(dir, 'log'), log);
    const failed = restoreTree(scripted('cp $W/log $W/restore.log; exit 1'), manifest({}));
    await expect(failed).rejects.toMatchObject({ reason: 'RestoreFailed' });
    const message = await failed.catch((error: unknown) => String(error));
    expect(message).toContain('exit 1');
    for (const told of ['fault 1', 'fault 2', 'fault 4', 'fault 5']) expect(message).toContain(told);
    expect(message).not.toMatch(/fault 3\b|fine/);
  });

  it('says so where criu left no log', async () => {
    await expect(restoreTree(scripted('exit 1'), manifest({}))).rejects.toThrow('it left no log');
  });

  it('does not tell the errors of an earlier attempt', async () => {
    writeFileSync(join(dir, 'restore.log'), '(00.1) Error (criu/x.c:1): of yesterday\n');
    await expect(restoreTree(scripted('exit 1'), manifest({}))).rejects.not.toThrow('of yesterday');
  });

  it('ends criu and what it started when the deadline has passed', async () => {
    const from = performance.now();
    const hanging = restoreTree(scripted('(sleep 2; touch $W/still-alive) & sleep 60', 300), manifest({}));
    await expect(hanging).rejects.toMatchObject({ reason: 'DeadlineExceeded' });
    expect(performance.now() - from).toBeLessThan(1500);
    await new Promise((later) => setTimeout(later, 2200));
    expect(existsSync(join(dir, 'still-alive'))).toBe(false);
  }, 10_000);

  it('says that it was the deadline', async () => {
    await expect(restoreTree(scripted('sleep 60', 200), manifest({}))).rejects.toThrow(/deadline|time/i);
  });

  it('fails where there is no criu', async () => {
    await expect(
      restoreTree({ ...scripted(''), criu: join(dir, 'none') }, manifest({})),
    ).rejects.toMatchObject({
      reason: 'RestoreFailed',
    });
  });
});
