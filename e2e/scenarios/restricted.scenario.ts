import { count, placeholder, state, unprivileged } from '../workload';
import { World } from '../world';

const restricted = {
  container: {
    securityContext: unprivileged,
  },
  spec: { securityContext: { fsGroup: 1000 } },
  env: { STATE_DIR: '/state' },
  volumes: [{ name: 'state', emptyDir: {} }],
  mounts: [{ name: 'state', mountPath: '/state' }],
};

describe('a worker with a read-only root file system and without root', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('is captured and restored with the same rights', async () => {
    // The image's STATE_DIR has a folder that the worker replaces; an emptyDir starts without it.
    const source = await world.serving({ name: 'restricted', node: world.nodeA, ...restricted });
    expect(source.state.uid).toBe(1000);
    await count(source.ip);
    await world.captured('restricted', 'restricted');
    await world.make(
      placeholder({ name: 'restricted-clone', node: world.nodeB, checkpoint: 'restricted', ...restricted }),
    );
    const { status } = await world.ready('restricted-clone');
    expect(await state(status.podIP)).toMatchObject({
      uid: 1000,
      counter: 1,
      modelIntact: true,
      opaque: ['new'],
    });
    const write = await world.kube.exec('restricted-clone', ['sh', '-c', 'echo x > /app/x']);
    expect(write.stderr).toContain('Read-only file system');
  });
});
