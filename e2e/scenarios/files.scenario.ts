import { placeholder, state } from '../workload';
import { World } from '../world';

describe('files of a restored worker', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('are those of the source: written, changed, deleted, replaced, unlinked while open, and in the emptyDir', async () => {
    const source = await world.serving({ name: 'files', node: world.nodeA });
    await world.captured('files', 'files');
    await world.make(placeholder({ name: 'files-clone', node: world.nodeB, checkpoint: 'files' }));
    const { status } = await world.ready('files-clone');
    const clone = await state(status.podIP);

    expect(clone).toMatchObject({
      deleted: true,
      changed: 'changed by the worker',
      written: 'written by the worker',
      opaque: ['new'],
      unlinked: 'still here',
    });
    expect(clone.logLines).toBeGreaterThanOrEqual(source.state.logLines);
    expect(clone.dataLines).toBeGreaterThanOrEqual(source.state.dataLines);
  });

  it('of a ConfigMap are the new ones, also where the source still had one that is gone since', async () => {
    const settings = (text: string) => ({
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' } },
      data: { settings: text },
    });
    const mounted = {
      volumes: [{ name: 'settings', configMap: { name: 'settings' } }],
      mounts: [{ name: 'settings', mountPath: '/etc/settings', subPath: 'settings' }],
    };
    await world.make(settings('old'));
    await world.serving({ name: 'configured', node: world.nodeA, ...mounted });
    await world.kube.apply(settings('new'));
    // A change of the pod has the kubelet look at its volumes now.
    await world.kube.run(['annotate', 'pod', 'configured', 'look=again']);
    const gone = 'until grep -q "//deleted /etc/settings " /proc/self/mountinfo; do sleep 0.2; done';
    expect((await world.kube.exec('configured', ['sh', '-c', gone])).code).toBe(0);

    await world.captured('configured', 'configured');
    const clone = { name: 'configured-clone', node: world.nodeB, checkpoint: 'configured', ...mounted };
    await world.make(placeholder(clone));
    const { status } = await world.ready('configured-clone');
    expect((await state(status.podIP)).modelIntact).toBe(true);
    expect((await world.kube.exec('configured-clone', ['cat', '/etc/settings'])).stdout).toBe('new');
  });
});
