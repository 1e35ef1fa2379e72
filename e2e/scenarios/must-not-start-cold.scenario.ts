import { annotation } from '@dynamo-snapshot/api/names';
import { asking, OTHER_WORKER_IMAGE } from '../workload';
import type { PodStatus } from '../world';
import { World } from '../world';

describe('a pod that must not start cold', () => {
  const world = new World();
  afterAll(() => world.clean());

  beforeAll(async () => {
    await world.serving({ name: 'strict', node: world.nodeA });
    await world.captured('strict', 'strict', 90, { fallback: 'Fail', claimTimeoutSeconds: 60 });
  });

  it('fails at once, with the reason, where it does not restart', async () => {
    const name = 'strict-once';
    const options = { container: { image: OTHER_WORKER_IMAGE }, spec: { restartPolicy: 'Never' } };
    await world.make(asking({ name, node: world.nodeB, checkpoint: 'strict', ...options }));
    await world.kube.wait('pod', name, 'jsonpath={.status.phase}=Failed', 90);
    const pod = await world.kube.get<PodStatus>('pod', name);
    const end = pod.status.containerStatuses?.[0]?.state?.terminated;
    expect(end).toMatchObject({ exitCode: 41, message: expect.stringContaining('captured from image') });
    await world.told(name, 'False', 'RestoreRefused');
  });

  it('ends once where it restarts, and then keeps still', async () => {
    const name = 'strict-always';
    await world.make(
      asking({ name, node: world.nodeB, checkpoint: 'strict', container: { image: OTHER_WORKER_IMAGE } }),
    );
    await world.told(name, 'False', 'RestoreRefused');
    const restarted = 'jsonpath={.status.containerStatuses[0].restartCount}=1';
    await world.kube.wait('pod', name, restarted, 60);
    const running = 'jsonpath={.status.containerStatuses[0].state.running}';
    await world.kube.wait('pod', name, running, 60);
    // Longer than a restart takes with the kubelet's first back-off of ten seconds.
    await new Promise((later) => setTimeout(later, 15_000));
    const pod = await world.kube.get<PodStatus>('pod', name);
    expect(pod.status.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: false });
    expect(await world.kube.logs(name)).toContain('has failed and is not tried again');
    await world.told(name, 'False', 'RestoreRefused');
  });

  it('fails where its checkpoint does not exist and the pod itself says so', async () => {
    const name = 'strict-missing';
    const annotations = { [annotation.restoreFallback]: 'Fail' };
    const spec = { restartPolicy: 'Never' };
    await world.make(
      asking({ name, node: world.nodeB, checkpoint: 'no-such-checkpoint', annotations, spec }),
    );
    await world.kube.wait('pod', name, 'jsonpath={.status.phase}=Failed', 90);
    await world.told(name, 'False', 'CheckpointNotFound');
  });

  it('is restored where nothing is wrong', async () => {
    await world.make(asking({ name: 'strict-good', node: world.nodeB, checkpoint: 'strict' }));
    await world.ready('strict-good');
    await world.told('strict-good', 'True', 'RestoreSucceeded');
  });
});
