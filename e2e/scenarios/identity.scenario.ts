import { placeholder, state } from '../workload';
import { World } from '../world';

describe('identity of a restored worker', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('is the new pod: hostname, pod IP, token of the service account', async () => {
    const source = await world.serving({ name: 'identity', node: world.nodeA });
    await world.captured('identity', 'identity');
    await world.make(placeholder({ name: 'identity-clone', node: world.nodeB, checkpoint: 'identity' }));
    const { status } = await world.ready('identity-clone');
    const clone = await state(status.podIP);

    expect(status.podIP).not.toBe(source.ip);
    expect(clone).toMatchObject({ hostname: 'identity-clone', etcHostname: 'identity-clone' });
    expect(clone.token.pod?.name).toBe('identity-clone');
    expect(clone.token.node?.name).toBe(world.nodeB);
    const pod = await world.kube.get<typeof status & { status: typeof status }>('pod', 'identity-clone');
    expect(pod.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'nvidia.com/Restored', status: 'True', reason: 'RestoreSucceeded' }),
    );
  });
});
