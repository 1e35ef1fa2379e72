import { asking, checkpointOf, count, PATIENT, worker } from '../workload';
import { coldAfterVerdict } from '../verdict';
import { restoredCondition, World } from '../world';

// Nothing was captured whose command could be taken.
const command = ['/usr/bin/python3', '-u', '/app/server.py'];

describe('a pod whose checkpoint is to be waited for', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('starts before there is anything to restore, waits, and is restored', async () => {
    await world.make(checkpointOf('wait', 'wait', { ...PATIENT, startupPolicy: 'WaitForCheckpoint' }));
    await world.make(
      asking({ name: 'wait-clone', node: world.nodeB, checkpoint: 'wait', container: { command } }),
    );
    const waiting = await world.told('wait-clone', 'False', 'CheckpointNotReady');
    expect(waiting.message).toContain('restored when it is Ready');
    await world.make(worker({ name: 'wait', node: world.nodeA }));
    const source = await world.ready('wait');
    await world.checkpointReady('wait');
    const clone = await world.ready('wait-clone', 120);
    expect(restoredCondition(clone)).toMatchObject({ status: 'True' });
    expect(clone.status.containerStatuses?.[0]?.restartCount).toBe(0);
    expect([await count(clone.status.podIP), await count(source.status.podIP)]).toEqual([1, 1]);
  });

  it('starts cold when the checkpoint fails meanwhile', async () => {
    await world.serving({ name: 'wait-src', node: world.nodeA });
    const failing = checkpointOf('wait-failed', 'wait-none', {
      ...PATIENT,
      startupPolicy: 'WaitForCheckpoint',
    });
    await world.make(failing);
    await world.make(
      asking({ name: 'wait-cold', node: world.nodeB, checkpoint: 'wait-failed', container: { command } }),
    );
    await world.told('wait-cold', 'False', 'CheckpointNotReady');
    const spec = { source: { podName: 'wait-src', containerName: 'nobody' } };
    await world.kube.run([
      'patch',
      'dynamocheckpoint',
      'wait-failed',
      '--type=merge',
      '-p',
      JSON.stringify({ spec }),
    ]);
    const pod = await world.ready('wait-cold', 120);
    expect(restoredCondition(pod)).toMatchObject({ status: 'False', reason: 'CheckpointFailed' });
    expect(await coldAfterVerdict(world, 'wait-cold')).toBeLessThan(2);
    expect(await count(pod.status.podIP)).toBe(1);
  });
});
