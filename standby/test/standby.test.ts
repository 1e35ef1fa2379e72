/** Standby as PID 1 of a pid namespace, with the signals that an agent sends. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAILED_EXIT_CODE, standbyComm, standbySignal } from '@dynamo-snapshot/api/control';
import { sigqueue } from '../../node-agent/src/linux/syscalls';
import { adopt, comm, describeAsRoot, dir, isLive, ready, restored, start, until } from './pod';

describeAsRoot('standby', () => {
  it('tells by its name that it waits', async () => {
    expect(comm((await start()).pid)).toBe(standbyComm.waiting);
  });

  it('tells by its name that it has adopted a root', async () => {
    const pod = await start();
    adopt(pod, await restored(pod, 'exec sleep 30'));
    await isLive(pod);
  });

  it.each([
    ['its exit code', 'exit 7', 7],
    ['success', 'exit 0', 0],
    ['128 + n where a signal killed it', 'kill -9 $$', 137],
    ['128 + n where it trapped on its own', 'kill -SEGV $$', 139],
  ])('ends with the status of the root: %s', async (_, end, status) => {
    const pod = await start();
    adopt(pod, await restored(pod, `while [ ! -e ${dir}/go ]; do sleep 0.02; done; ${end}`));
    await isLive(pod);
    writeFileSync(join(dir, 'go'), '');
    await expect(pod.ended).resolves.toBe(status);
  });

  it('ends with the status of a root that was gone before it was named', async () => {
    const pod = await start();
    const pid = await restored(pod, 'sleep 0.5; exit 9'); // by then nobody but standby is its parent
    await until(
      'the root is reaped',
      () =>
        spawnSync('nsenter', [
          `--pid=/proc/${pod.pid}/ns/pid`,
          `--mount=/proc/${pod.pid}/ns/mnt`,
          'test',
          '-e',
          `/proc/${pid}`,
        ]).status === 1,
    );
    adopt(pod, pid);
    await expect(pod.ended).resolves.toBe(9);
  });

  it('reaps orphans and goes on', async () => {
    const pod = await start();
    for (let i = 0; i < 3; i++) await restored(pod, 'exit 1');
    const children = () => readFileSync(`/proc/${pod.pid}/task/${pod.pid}/children`, 'utf8').trim();
    await until('all are reaped', () => children() === '');
    expect(comm(pod.pid)).toBe(standbyComm.waiting);
  });

  it('does not end with another child than the root', async () => {
    const pod = await start();
    adopt(pod, await restored(pod, 'exec sleep 30'));
    await isLive(pod);
    await restored(pod, 'exit 3');
    await until(
      'it is reaped',
      () => readFileSync(`/proc/${pod.pid}/task/${pod.pid}/children`, 'utf8').trim().split(' ').length === 1,
    );
    expect(comm(pod.pid)).toBe(standbyComm.restored);
  });

  it.each(['TERM', 'INT', 'HUP', 'USR1', 'QUIT', 'RTMAX'])('passes SIG%s on to the root', async (signal) => {
    const pod = await start();
    const script = `trap 'exit 42' ${signal}; touch ${dir}/trapping; while :; do sleep 0.02; done`;
    adopt(pod, await restored(pod, `exec env --default-signal bash -c "${script}"`));
    await isLive(pod);
    await ready('trapping');
    execFileSync('bash', ['-c', `kill -s ${signal} "$1"`, 'kill', String(pod.pid)]);
    await expect(pod.ended).resolves.toBe(42);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
  ] as const)('ends at once by %s while it waits', async (signal, status) => {
    const pod = await start();
    process.kill(pod.pid, signal);
    await expect(pod.ended).resolves.toBe(status);
  });

  it.each(['SIGHUP', 'SIGUSR1', 'SIGWINCH', 'SIGTSTP'] as const)('waits on after %s', async (signal) => {
    const pod = await start();
    process.kill(pod.pid, signal);
    sigqueue(pod.pid, standbySignal.fail, 5);
    await expect(pod.ended).resolves.toBe(5);
  });

  it.each([
    [3, 3],
    [0, FAILED_EXIT_CODE],
  ])('ends a failed restore that was given %i with %i', async (value, status) => {
    const pod = await start('--', 'sh', '-c', 'exit 0');
    sigqueue(pod.pid, standbySignal.fail, value);
    await expect(pod.ended).resolves.toBe(status);
  });

  it('becomes its command for a cold start, with arguments as they are and no signal blocked or ignored', async () => {
    // Read by the shell itself: dash blocks every signal while it waits for a child.
    const masks = 'while read l; do case $l in SigBlk:*|SigIgn:*) echo "$l";; esac; done < /proc/$$/status';
    const script = `printf "<%s>" "$@"; ${masks}; echo pid $$; exit 6`;
    const pod = await start('--', 'sh', '-c', script, 'sh', 'a b', '$(x)', '--install');
    sigqueue(pod.pid, standbySignal.coldStart, 0);
    await expect(pod.ended).resolves.toBe(6);
    expect(pod.stderr()).toContain('<a b><$(x)><--install>');
    expect(pod.stderr()).toMatch(/SigBlk:\s0{16}\nSigIgn:\s0{16}/);
    expect(pod.stderr()).toContain('pid 1\n');
  });

  it('ends with 127 where its command cannot be run', async () => {
    const pod = await start('--', '/no/such/command');
    sigqueue(pod.pid, standbySignal.coldStart, 0);
    await expect(pod.ended).resolves.toBe(127);
    expect(pod.stderr()).toContain('cannot run /no/such/command');
  });

  it('does not wait for ever where it has no command to start cold', async () => {
    const pod = await start();
    sigqueue(pod.pid, standbySignal.coldStart, 0);
    const ended = await Promise.race([
      pod.ended,
      new Promise<string>((late) => setTimeout(() => late('still waiting'), 500)),
    ]);
    expect(ended).not.toBe('still waiting');
  });

  it('does not signal the whole container where the adopted pid is none', async () => {
    const pod = await start();
    await restored(pod, `trap 'touch ${dir}/hit' USR1; touch ${dir}/listening; while :; do sleep 0.02; done`);
    await ready('listening');
    sigqueue(pod.pid, standbySignal.adopt, -1);
    process.kill(pod.pid, 'SIGUSR1');
    await new Promise((later) => setTimeout(later, 300));
    expect(existsSync(join(dir, 'hit'))).toBe(false);
  });
});
