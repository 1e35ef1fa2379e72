import { truncateSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { coldAfterVerdict } from '../verdict';
import type { WorkerOptions } from '../workload';
import { asking, checkpointOf, PATIENT, state, OTHER_WORKER_IMAGE } from '../workload';
import type { PodCondition } from '../world';
import { restoredCondition, World } from '../world';

const command = ['/usr/bin/python3', '-u', '/app/server.py'];

describe('a pod that cannot be restored starts cold, becomes Ready and says why', () => {
  const world = new World();
  afterAll(() => world.clean());

  /** Ready, with a worker of its own that has never counted; what its condition says. */
  async function startedCold(name: string, options: Partial<WorkerOptions>, checkpoint = name) {
    await world.make(asking({ name, node: world.nodeB, checkpoint, container: { command }, ...options }));
    const pod = await world.ready(name, 120);
    expect(await state(pod.status.podIP)).toMatchObject({
      counter: 0,
      modelIntact: true,
      pid: 1,
      hostname: name,
    });
    expect(pod.status.containerStatuses?.[0]?.restartCount).toBe(0);
    const condition = restoredCondition(pod) as PodCondition;
    const events = await world.kube.run(['get', 'events', '--field-selector', `involvedObject.name=${name}`]);
    expect(events).toContain(condition.message?.slice(0, 40));
    return condition;
  }

  it('where its checkpoint does not exist', async () => {
    const told = await startedCold('cold-missing', {});
    expect(told).toMatchObject({ status: 'False', reason: 'CheckpointNotFound' });
    expect(told.message).toContain('cold-missing');
  });

  it('where its checkpoint has failed', async () => {
    await world.serving({ name: 'cold-src', node: world.nodeA });
    const failing = checkpointOf('cold-failed', 'cold-src');
    const spec = { ...(failing['spec'] as object), source: { podName: 'cold-src', containerName: 'nobody' } };
    await world.make({ ...failing, spec });
    await world.kube.wait('dynamocheckpoint', 'cold-failed', 'jsonpath={.status.phase}=Failed', 60);
    const told = await startedCold('cold-failed', {});
    expect(told).toMatchObject({ status: 'False', reason: 'CheckpointFailed' });
    expect(told.message).toContain('container');
  });

  it('where the artifact was damaged: the agent starts it, within two seconds of its verdict', async () => {
    const { status } = await world.captured('cold-torn', 'cold-src');
    const folder = join(
      world.sharedDir,
      world.namespace,
      status?.identityHash ?? '',
      status?.artifact?.uid ?? '',
    );
    const pages = readdirSync(join(folder, 'criu')).find((f) => f.startsWith('pages-')) ?? '';
    truncateSync(join(folder, 'criu', pages), 4096);
    const told = await startedCold('cold-torn', {});
    expect(told).toMatchObject({ status: 'False', reason: 'RestoreRefused' });
    expect(told.message).toContain(pages);
    expect(await coldAfterVerdict(world, 'cold-torn')).toBeLessThan(2);
    await world.kube.wait('dynamocheckpoint', 'cold-torn', 'jsonpath={.status.restores.fellBack}=1', 30);
    const log = await world.kube.logs('cold-torn');
    expect(log).toMatch(/standby: starting cold: RestoreRefused: .*\n(.*\n)*loading 64 MiB/);
  });

  it('where its image is another one', async () => {
    await world.captured('cold-image', 'cold-src');
    const image = { image: OTHER_WORKER_IMAGE };
    const told = await startedCold('cold-image', { container: { command, ...image } });
    expect(told).toMatchObject({ status: 'False', reason: 'RestoreRefused' });
    expect(told.message).toContain('captured from image');
    expect(await coldAfterVerdict(world, 'cold-image')).toBeLessThan(2);
  });

  it('and may take its time to load, as its own startup probe allows, though liveness would not wait', async () => {
    await world.make(
      checkpointOf('cold-slow', 'cold-src', { ...PATIENT, startupPolicy: 'WaitForCheckpoint' }),
    );
    await world.checkpointReady('cold-slow');
    const slow = { container: { command, image: OTHER_WORKER_IMAGE }, env: { WARMUP_SECONDS: '25' } };
    const told = await startedCold('cold-slow', slow);
    expect(told.reason).toBe('RestoreRefused');
  });
});
