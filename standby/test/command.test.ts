/** The other things that standby does: probe, install, and refuse. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { standbySignal } from '@dynamo-snapshot/api/control';
import { sigqueue } from '../../node-agent/src/linux/syscalls';
import type { Pod } from './pod';
import { adopt, comm, describeAsRoot, dir, isLive, restored, standby, start, until } from './pod';

describeAsRoot('standby --probe', () => {
  const probe = (pod: Pod) =>
    spawnSync('nsenter', ['--all', `--target=${pod.pid}`, standby, '--probe']).status;

  it('fails while standby waits, and passes once the worker is restored', async () => {
    const pod = await start();
    expect(probe(pod)).toBe(1);
    adopt(pod, await restored(pod, 'exec sleep 30'));
    await isLive(pod);
    expect(probe(pod)).toBe(0);
  });

  it('passes for a worker that was started cold', async () => {
    const pod = await start('--', 'sleep', '30');
    sigqueue(pod.pid, standbySignal.coldStart, 0);
    await until('the command runs', () => comm(pod.pid) === 'sleep');
    expect(probe(pod)).toBe(0);
  });
});

describe('standby --install', () => {
  it('copies itself, whole and executable, whatever the umask', () => {
    const mask = process.umask(0o077);
    try {
      expect(spawnSync(standby, ['--install', dir]).status).toBe(0);
    } finally {
      process.umask(mask);
    }
    const copy = join(dir, 'standby');
    expect(readFileSync(copy).equals(readFileSync(standby))).toBe(true);
    expect(statSync(copy).mode & 0o7777).toBe(0o755);
    accessSync(copy, constants.X_OK);
    expect(readdirSync(dir)).toEqual(['standby']);
  });

  it('replaces an older copy though that is running', () => {
    execFileSync(standby, ['--install', dir]);
    const running = spawn(join(dir, 'standby'), { stdio: 'ignore' });
    const again = spawnSync(standby, ['--install', dir]).status;
    running.kill('SIGTERM');
    expect(again).toBe(0);
  });

  it('fails where the folder is missing or no folder', () => {
    const missing = spawnSync(standby, ['--install', join(dir, 'missing')], { encoding: 'utf8' });
    expect(missing.status).toBe(1);
    expect(missing.stderr).toContain('No such file or directory');
    mkdirSync(join(dir, 'taken/standby'), { recursive: true });
    expect(spawnSync(standby, ['--install', join(dir, 'taken')]).status).toBe(1);
  });
});

describe('standby, given a command line that it does not know', () => {
  it.each([[['--install']], [['--']], [['sleep', '1']], [['--probe', 'x']]])('refuses %j', (args) => {
    const { status, stderr } = spawnSync(standby, args, { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toContain('usage: standby');
  });
});
