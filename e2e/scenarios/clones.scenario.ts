import { count, placeholder, state } from '../workload';
import { World } from '../world';

describe('three clones of one checkpoint', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('start at once, on both nodes, and go their own ways', async () => {
    const source = await world.serving({ name: 'clones', node: world.nodeA });
    for (let i = 0; i < 5; i++) await count(source.ip);
    await world.captured('clones', 'clones');
    const names = ['clone-1', 'clone-2', 'clone-3'];
    const nodes = [world.nodeA, world.nodeB, world.nodeB];
    await Promise.all(
      names.map((name, i) =>
        world.make(placeholder({ name, node: nodes[i] ?? world.nodeA, checkpoint: 'clones' })),
      ),
    );
    const pods = await Promise.all(names.map((name) => world.ready(name, 120)));
    const ips = pods.map((p) => p.status.podIP);
    expect(await Promise.all(ips.map(count))).toEqual([6, 6, 6]);
    await count(ips[0] ?? '');
    expect((await Promise.all(ips.map(state))).map((s) => [s.counter, s.modelIntact])).toEqual([
      [7, true],
      [6, true],
      [6, true],
    ]);
  });
});
