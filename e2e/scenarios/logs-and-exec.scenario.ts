import { ask, placeholder } from '../workload';
import { World } from '../world';

describe('kubectl logs and exec on a restored pod', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('show what the restored worker prints, and run in its files', async () => {
    await world.serving({ name: 'logs', node: world.nodeA });
    await world.captured('logs', 'logs');
    await world.make(placeholder({ name: 'logs-clone', node: world.nodeB, checkpoint: 'logs' }));
    await world.kube.wait('pod', 'logs-clone', 'jsonpath={.status.phase}=Running', 60);
    const follower = world.kube.follow('logs-clone');
    const { status } = await world.ready('logs-clone');
    const { ticks } = await ask<{ ticks: number }>(status.podIP, '/state');
    // The worker prints each second; a state that has moved on by two proves two printed lines.
    const deadline = Date.now() + 20_000;
    while ((await ask<{ ticks: number }>(status.podIP, '/state')).ticks < ticks + 2 && Date.now() < deadline);
    const printed = await follower.close();
    expect(printed).toContain(`tick ${ticks + 1} `);

    const { code, stdout } = await world.kube.exec('logs-clone', ['cat', '/var/lib/worker/written-at-start']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'written by the worker\n' });
  });
});
