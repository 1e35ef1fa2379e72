import { ask, placeholder } from '../workload';
import type { PodStatus } from '../world';
import { World } from '../world';

describe('the end of a restored worker', () => {
  const world = new World();
  afterAll(() => world.clean());

  beforeAll(async () => {
    await world.serving({ name: 'ends', node: world.nodeA, env: { SIGTERM_EXIT: '42' } });
    await world.captured('ends', 'ends');
  });

  const restored = async (name: string) => {
    const spec = { restartPolicy: 'Never' };
    await world.make(
      placeholder({ name, node: world.nodeB, checkpoint: 'ends', env: { SIGTERM_EXIT: '42' }, spec }),
    );
    return (await world.ready(name)).status.podIP;
  };

  it('is the end of the pod, with its exit code', async () => {
    const ip = await restored('ends-by-itself');
    await ask(ip, '/exit?code=7');
    await world.kube.wait('pod', 'ends-by-itself', 'jsonpath={.status.phase}=Failed', 30);
    const pod = await world.kube.get<PodStatus>('pod', 'ends-by-itself');
    expect(pod.status.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(7);
  });

  it('comes by SIGTERM when the pod is deleted', async () => {
    await restored('ends-by-delete');
    const follower = world.kube.follow('ends-by-delete');
    const started = Date.now();
    await world.kube.delete('pod', ['ends-by-delete']);
    expect(await follower.close()).toContain('SIGTERM: leaving');
    expect(Date.now() - started).toBeLessThan(9_000);
  });
});
