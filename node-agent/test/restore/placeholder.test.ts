import { standbyComm, FAILED_EXIT_CODE } from '@dynamo-snapshot/api/control';
import { standbyCommand } from '@dynamo-snapshot/api/standby';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { containerId } from '../../src/linux/ids';
import { processRef } from '../../src/linux/proc';
import { claim, endWaiting } from '../../src/restore/placeholder';
import type { Pod } from '../../../standby/test/pod';
import {
  adopt,
  comm,
  describeAsRoot,
  dir,
  isLive,
  restored,
  standby,
  startProgram,
  until,
} from '../../../standby/test/pod';

/** A placeholder as the webhook makes it, in a cgroup in which nothing else is. */
async function waiting() {
  const own = join(dir, 'standby');
  copyFileSync(standby, own);
  const command = ['sh', '-c', 'echo started; exec sleep 60'];
  const orders = standbyCommand({ unclaimedSeconds: 60, otherwise: 'ColdStart', command });
  const pod = await startProgram(own, orders.slice(1));
  const placeholder = processRef(pod.pid);
  if (placeholder === undefined) throw new Error('the placeholder ended');
  const groups = { id: containerId('ab'.repeat(32)), dirs: [], freezer: dir };
  return { pod, placeholder, groups };
}

const because = { reason: 'RestoreRefused', message: 'another image' };
const runs = (pod: Pod) => until('the command runs', () => comm(pod.pid) === 'sleep');

describeAsRoot('the engine', () => {
  it('has claimed a placeholder when it goes on', async () => {
    const { pod, placeholder } = await waiting();
    await claim(placeholder, 60);
    expect(comm(pod.pid)).toBe(standbyComm.claimed);
  });

  it('sends no claim to a worker, which would not survive it', async () => {
    const { pod, placeholder, groups } = await waiting();
    await endWaiting('ColdStart', because, { placeholder, groups });
    await runs(pod);
    await claim(placeholder, 60);
    await new Promise((later) => setTimeout(later, 200));
    expect(comm(pod.pid)).toBe('sleep');
  });

  it('starts the command of a placeholder that it has claimed', async () => {
    const { pod, placeholder, groups } = await waiting();
    await claim(placeholder, 60);
    await endWaiting('ColdStart', because, { placeholder, groups });
    await runs(pod);
    await until('it has printed', () => pod.stderr().includes('started'));
  });

  it('is content with a placeholder that has started cold by itself', async () => {
    const { pod, placeholder, groups } = await waiting();
    await endWaiting('ColdStart', because, { placeholder, groups });
    await runs(pod);
    await expect(endWaiting('ColdStart', because, { placeholder, groups })).resolves.toBeUndefined();
    await expect(endWaiting('Fail', because, { placeholder, groups })).rejects.toMatchObject({
      reason: 'NotWaiting',
    });
  });

  it('ends a placeholder that must not start cold', async () => {
    const { pod, placeholder, groups } = await waiting();
    await endWaiting('Fail', because, { placeholder, groups });
    await expect(pod.ended).resolves.toBe(FAILED_EXIT_CODE);
  });

  it('leaves a restored worker alone', async () => {
    const { pod, placeholder, groups } = await waiting();
    adopt(pod, await restored(pod, 'exec sleep 60'));
    await isLive(pod);
    await expect(endWaiting('ColdStart', because, { placeholder, groups })).rejects.toMatchObject({
      reason: 'AlreadyRestored',
    });
    expect(comm(pod.pid)).toBe(standbyComm.restored);
  });
});
