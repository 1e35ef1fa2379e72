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

  it('is told to the worker: its context, an environment file, and a seed that no other clone has', async () => {
    const control = {
      env: { SNAPSHOT_CONTROL_DIR: '/snapshot-control' },
      volumes: [{ name: 'snapshot-control', emptyDir: {} }],
      mounts: [{ name: 'snapshot-control', mountPath: '/snapshot-control' }],
    };
    await world.serving({ name: 'told', node: world.nodeA, ...control });
    await world.captured('told', 'told');
    const names = ['told-1', 'told-2'];
    for (const name of names)
      await world.make(placeholder({ name, node: world.nodeB, checkpoint: 'told', ...control }));
    const seeds = await Promise.all(
      names.map(async (name) => {
        const { status, metadata } = await world.ready(name);
        const read = async (file: string) =>
          (await world.kube.exec(name, ['cat', `/snapshot-control/${file}`])).stdout;
        const context = JSON.parse(await read('restore-context')) as Record<string, unknown>;
        expect(context).toMatchObject({
          ...{ version: 1, podName: name, podUid: metadata.uid, podIp: status.podIP, hostname: name },
          ...{ podNamespace: world.namespace, nodeName: world.nodeB },
        });
        expect(context['seed']).toMatch(/^[0-9a-f]{64}$/);
        expect(await read('restore-environment')).toContain(`POD_IP=${status.podIP}\n`);
        expect(await read('restore-complete')).toBe('done\n');
        await world.kube.heard(name, new RegExp(`restored as ${name}`));
        return context['seed'];
      }),
    );
    expect(new Set(seeds).size).toBe(2);
  });
});
