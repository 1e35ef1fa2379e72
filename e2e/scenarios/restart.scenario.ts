import { ask, asking, count } from '../workload';
import type { PodStatus } from '../world';
import { World } from '../world';

describe('a restored container that ends', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('is started again by its kubelet, and restored again', async () => {
    const source = await world.serving({ name: 'restart', node: world.nodeA });
    for (let i = 0; i < 3; i++) await count(source.ip);
    await world.captured('restart', 'restart');
    await world.make(asking({ name: 'restart-clone', node: world.nodeB, checkpoint: 'restart' }));
    const { status } = await world.ready('restart-clone');
    for (let i = 0; i < 3; i++) await count(status.podIP);
    await ask(status.podIP, '/exit?code=7');
    await world.kube.wait(
      'pod',
      'restart-clone',
      'jsonpath={.status.containerStatuses[0].restartCount}=1',
      60,
    );
    const again = await world.ready('restart-clone');
    expect(again.status.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(7);
    // As it was captured, not as it ended.
    expect(await count(again.status.podIP)).toBe(4);
    const restores = await world.kube.list<{ spec: { operation: string; pod?: { uid: string } } }>(
      'snapshotassignments',
    );
    const ours = restores.filter((a) => a.spec.pod?.uid === again.metadata.uid);
    expect(ours.map((a) => a.spec.operation)).toEqual(['Restore', 'Restore']);
    const after = await world.kube.get<PodStatus>('pod', 'restart-clone');
    expect(after.status.containerStatuses?.[0]?.restartCount).toBe(1);
  });
});
