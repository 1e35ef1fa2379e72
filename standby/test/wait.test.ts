/** `standby --probe --wait`: it sleeps as long as PID 1 waits, and is woken when it no longer does. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { standbyComm, standbySignal } from '@dynamo-snapshot/api/control';
import { containerId, hostPid } from '../../node-agent/src/linux/ids';
import { processRef } from '../../node-agent/src/linux/proc';
import { sigqueue } from '../../node-agent/src/linux/syscalls';
import { restoredProcesses } from '../../node-agent/src/restore/tree';
import type { Pod } from './pod';
import { adopt, comm, describeAsRoot, dir, ready, restored, standby, startProgram, until } from './pod';

const LONG = '60';
const LONG_MS = '20000';

/** Host pid of the one child; 0 where there is none. */
function childOf(pid: number): number {
  const children = `/proc/${pid}/task/${pid}/children`;
  return existsSync(children) ? Number(readFileSync(children, 'utf8').trim()) : 0;
}

interface Probe {
  /** Host pid; 0 before it has begun, and when it has ended. */
  readonly pid: () => number;
  readonly stderr: () => string;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

function ask(pod: Pod, ...args: readonly string[]): Probe {
  const namespaces = [`--target=${pod.pid}`, '--pid', '--mount'];
  const outer = spawn('nsenter', [...namespaces, standby, '--probe', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  outer.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = once(outer, 'close').then(([code, signal]) => (code as number | null) ?? (signal as string));
  return { pid: () => childOf(outer.pid ?? 0), stderr: () => stderr, ended };
}

/** It waits for a lock, and for nothing else. */
async function asleep(probe: Probe): Promise<number> {
  await until('the probe waits for the lock', () =>
    new RegExp(`-> FLOCK +ADVISORY +READ +${probe.pid()} `).test(readFileSync('/proc/locks', 'utf8')),
  );
  return probe.pid();
}

const wakeUps = (pid: number) =>
  /^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
const pause = (ms: number) => new Promise((later) => setTimeout(later, ms));
const named = (pod: Pod, name: string) => until(name, () => comm(pod.pid) === name);

const begin = (otherwise = 'cold') => {
  const own = join(dir, 'standby');
  if (!existsSync(own)) copyFileSync(standby, own);
  return startProgram(own, ['--unclaimed', '60', '--otherwise', otherwise, '--', 'sleep', '60']);
};

/** A PID 1 that calls itself what it likes; what it does when `go` is there. */
async function impostor(script: string, before = ''): Promise<Pod> {
  const call = 'call() { printf %s "$1" > /proc/$$/comm; }';
  const wait = `${before} call standby; echo begun; while [ ! -e ${dir}/go ]; do sleep 0.02; done`;
  return startProgram('bash', ['-c', `${call}; ${wait}; ${script}; touch ${dir}/done; sleep 60; :`], 'begun');
}
const go = () => writeFileSync(join(dir, 'go'), '');

describeAsRoot('the startup probe that waits', () => {
  it('sleeps until the worker is restored, and then passes', async () => {
    const pod = await begin();
    const probe = ask(pod, '--wait', LONG, '--', 'false');
    const pid = await asleep(probe);
    const before = wakeUps(pid);
    sigqueue(pod.pid, standbySignal.claim, 60);
    await named(pod, standbyComm.claimed);
    const worker = await restored(pod, 'exec sleep 30');
    await pause(200);
    expect(wakeUps(pid)).toBe(before); // nothing but the lock can wake it
    adopt(pod, worker);
    expect(await probe.ended).toBe(0);
  });

  it('passes so much later as it is told', async () => {
    const pod = await begin();
    const probe = ask(pod, '--wait', LONG, '--settle', '1200');
    await asleep(probe);
    const worker = await restored(pod, 'exec sleep 30');
    const begun = performance.now();
    adopt(pod, worker);
    expect(await probe.ended).toBe(0);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(1200);
  });

  it('passes at once where it had nothing to wait for', async () => {
    const pod = await begin();
    adopt(pod, await restored(pod, 'exec sleep 30'));
    await named(pod, standbyComm.restored);
    const begun = performance.now();
    expect(await ask(pod, '--wait', LONG, '--settle', LONG_MS).ended).toBe(0);
    expect(performance.now() - begun).toBeLessThan(Number(LONG_MS));
  });

  it.each([
    ['restored', standbyComm.restored, (pod: Pod, worker: number) => adopt(pod, worker)],
    ['started cold', 'sleep', (pod: Pod) => sigqueue(pod.pid, standbySignal.coldStart, 0)],
  ])('answers at once for a worker that is %s', async (_, name, order) => {
    const pod = await begin();
    order(pod, await restored(pod, 'exec sleep 30'));
    await named(pod, name);
    expect(await ask(pod, '--wait', LONG).ended).toBe(0);
  });

  it('fails when its time is over, not before, and the lock is kept', async () => {
    const pod = await begin();
    const other = ask(pod, '--wait', LONG);
    const begun = performance.now();
    const probe = ask(pod, '--wait', '1', '--', 'true');
    await asleep(probe);
    expect(await probe.ended).toBe(1);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(1000);
    expect(probe.stderr()).toContain('standby: not restored yet');
    await asleep(other);
  });

  it('takes its time where the restore has failed for good', async () => {
    await (
      await begin('fail').then((pod) => (sigqueue(pod.pid, standbySignal.fail, 0), pod))
    ).ended;
    const own = join(dir, 'standby');
    const pod = await startProgram(own, ['--otherwise', 'fail'], 'is not tried again');
    await asleep(ask(pod, '--wait', LONG));
  });

  it('ends with the leftovers before a cold start; the next one asks what the pod asks', async () => {
    const pod = await begin();
    const probe = ask(pod, '--wait', LONG, '--', 'true');
    await asleep(probe);
    sigqueue(pod.pid, standbySignal.coldStart, 0);
    expect(await probe.ended).toBe('SIGKILL');
    await named(pod, 'sleep');
    expect(await ask(pod, '--wait', LONG, '--', 'sh', '-c', 'exit 3').ended).toBe(3);
  });

  it('is no restored process to an agent', async () => {
    const pod = await begin();
    const probe = await asleep(ask(pod, '--wait', LONG));
    await restored(pod, 'exec unshare --pid --fork --kill-child sleep 30');
    const unshare = childOf(pod.pid);
    await until('the inner namespace has its first process', () => childOf(unshare) > 0);
    writeFileSync(join(dir, 'cgroup.procs'), [pod.pid, probe, unshare, childOf(unshare)].join('\n'));
    const id = containerId('0123456789abcdef'.repeat(4));
    const placeholder = processRef(hostPid(pod.pid));
    if (placeholder === undefined) throw new Error('standby is gone');
    const found = restoredProcesses({ id, dirs: [dir], freezer: dir }, placeholder);
    expect([...found]).toEqual([[1, childOf(unshare)]]);
  });

  it('ends with standby', async () => {
    const pod = await begin();
    const probe = ask(pod, '--wait', LONG);
    await asleep(probe);
    process.kill(pod.pid, 'SIGTERM');
    await expect(pod.ended).resolves.toBe(143);
    expect(await probe.ended).toBe('SIGKILL');
  });

  it('asks no longer than it may', async () => {
    const pod = await begin();
    sigqueue(pod.pid, standbySignal.coldStart, 0);
    await named(pod, 'sleep');
    expect(await ask(pod, '--wait', LONG, '--timeout', '1', '--', 'sleep', '60').ended).toBe('SIGALRM');
  });
});

describeAsRoot('the startup probe that waits, where PID 1', () => {
  it('holds no lock: passes when it has another name', async () => {
    const pod = await impostor('call standby:live');
    const probe = ask(pod, '--wait', LONG);
    await until('the probe runs', () => probe.pid() > 0);
    go();
    expect(await probe.ended).toBe(0);
    expect(comm(pod.pid)).toBe(standbyComm.restored);
  });

  it('holds no lock: does not fail before its time either', async () => {
    const begun = performance.now();
    expect(await ask(await impostor(':'), '--wait', '1').ended).toBe(1);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(1000);
  });

  it('has let go of the lock, and has no other name yet: asks what the pod asks when it has', async () => {
    const pod = await impostor(
      'exec 9<&-; touch "$F"; sleep 0.3; call worker',
      `F=${dir}/free; exec 9</proc/$$/comm; flock 9;`,
    );
    const probe = ask(
      pod,
      '--wait',
      LONG,
      '--',
      'sh',
      '-c',
      'read name < /proc/1/comm; [ $name = worker ] && exit 5',
    );
    await asleep(probe);
    go();
    await ready('free');
    expect(await probe.ended).toBe(5);
  });

  it('could not take the lock when it started: it does when it is claimed', async () => {
    const holder = `{ flock -s 9; touch ${dir}/held; exec sleep 60; } 9</proc/$$/comm &`;
    const held = `until [ -e ${dir}/held ]; do sleep 0.02; done`;
    const pod = await startProgram('bash', ['-c', `${holder} ${held}; exec ${standby}`]);
    const probe = ask(pod, '--wait', LONG);
    process.kill(childOf(pod.pid), 'SIGKILL');
    await until('standby reaps it', () => childOf(pod.pid) === 0);
    sigqueue(pod.pid, standbySignal.claim, 60);
    await named(pod, standbyComm.claimed);
    sigqueue(pod.pid, standbySignal.claim, 60); // in case that the probe had it just then
    await asleep(probe);
    adopt(pod, await restored(pod, 'exec sleep 30'));
    expect(await probe.ended).toBe(0);
  });
});
