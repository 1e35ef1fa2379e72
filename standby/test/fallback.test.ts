/** What standby does when nobody restores it: the claim, the cold start by itself, and the failure that is final. */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAILED_EXIT_CODE, standbyComm, standbySignal } from '@dynamo-snapshot/api/control';
import { standbyCommand } from '@dynamo-snapshot/api/standby';
import { sigqueue } from '../../node-agent/src/linux/syscalls';
import type { Pod } from './pod';
import { adopt, comm, describeAsRoot, dir, restored, standby, startProgram, until } from './pod';

/** As the webhook writes it, for a pod whose emptyDir is `dir`. */
function begin(otherwise: 'ColdStart' | 'Fail', unclaimedSeconds: number, ...command: readonly string[]) {
  const own = join(dir, 'standby');
  if (!existsSync(own)) copyFileSync(standby, own);
  const args = standbyCommand({ otherwise, unclaimedSeconds, command }).slice(1);
  return (says?: string): Promise<Pod> => startProgram(own, args, says);
}

const claim = (pod: Pod, seconds: number) => sigqueue(pod.pid, standbySignal.claim, seconds);
const named = (pod: Pod, name: string) => until(name, () => comm(pod.pid) === name);

describeAsRoot('standby that nobody claims', () => {
  it('starts its command by itself when the time is over, not before', async () => {
    const started = performance.now();
    const pod = await begin('ColdStart', 1, 'sleep', '30')();
    await named(pod, 'sleep');
    expect(performance.now() - started).toBeGreaterThanOrEqual(1000);
    expect(pod.stderr()).toContain('nobody has restored this container in time');
  });

  it('fails with its own exit code where it may not start cold', async () => {
    const pod = await begin('Fail', 1, 'sleep', '30')();
    await expect(pod.ended).resolves.toBe(FAILED_EXIT_CODE);
  });

  it('keeps still in the next container of the pod: no loop of failures', async () => {
    await (
      await begin('Fail', 1, 'sleep', '30')()
    ).ended;
    const again = await begin('Fail', 1, 'sleep', '30')('is not tried again');
    expect(comm(again.pid)).toBe(standbyComm.failed);
    claim(again, 1);
    await new Promise((later) => setTimeout(later, 1500));
    expect(comm(again.pid)).toBe(standbyComm.failed);
    process.kill(again.pid, 'SIGTERM');
    await expect(again.ended).resolves.toBe(143);
  });
});

describeAsRoot('standby that is claimed', () => {
  it('says so by its name, and waits as long as it was told', async () => {
    const pod = await begin('ColdStart', 1, 'sleep', '30')();
    claim(pod, 3);
    await named(pod, standbyComm.claimed);
    const claimed = performance.now();
    await new Promise((later) => setTimeout(later, 1500));
    expect(comm(pod.pid)).toBe(standbyComm.claimed);
    await until('it starts cold', () => comm(pod.pid) === 'sleep');
    expect(performance.now() - claimed).toBeGreaterThanOrEqual(2900);
  });

  it('does not fall back once a worker is restored', async () => {
    const pod = await begin('ColdStart', 1, 'sleep', '30')();
    claim(pod, 1);
    adopt(pod, await restored(pod, 'exec sleep 30'));
    await named(pod, standbyComm.restored);
    await new Promise((later) => setTimeout(later, 1500));
    expect(comm(pod.pid)).toBe(standbyComm.restored);
  });

  it('waits for ever where it was given no time', async () => {
    const own = join(dir, 'standby');
    copyFileSync(standby, own);
    const pod = await startProgram(own, ['--', 'sleep', '30']);
    claim(pod, 1);
    await named(pod, standbyComm.claimed);
    await new Promise((later) => setTimeout(later, 1500));
    expect(comm(pod.pid)).toBe(standbyComm.claimed);
  });

  it('ends what a restore has left behind before it starts cold', async () => {
    const pod = await begin('ColdStart', 10, 'sleep', '30')();
    await restored(pod, 'exec sleep 40');
    const children = () => readFileSync(`/proc/${pod.pid}/task/${pod.pid}/children`, 'utf8').trim();
    await until('the leftover is there', () => children() !== '');
    sigqueue(pod.pid, standbySignal.coldStart, 0);
    await named(pod, 'sleep');
    expect(children()).toBe('');
  });
});
