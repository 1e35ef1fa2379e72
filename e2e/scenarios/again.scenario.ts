import { count, placeholder, state } from '../workload';
import { World } from '../world';

describe('a restored pod', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('can be captured and restored again', async () => {
    const source = await world.serving({ name: 'again', node: world.nodeA });
    await count(source.ip);
    await world.captured('again', 'again');
    await world.make(placeholder({ name: 'again-2', node: world.nodeB, checkpoint: 'again' }));
    const second = (await world.ready('again-2')).status.podIP;
    expect(await count(second)).toBe(2);
    await world.captured('again-2', 'again-2');
    await world.make(placeholder({ name: 'again-3', node: world.nodeA, checkpoint: 'again-2' }));
    const third = (await world.ready('again-3')).status.podIP;
    expect(await count(third)).toBe(3);
    expect(await state(third)).toMatchObject({
      modelIntact: true,
      child: 'child:hello',
      hostname: 'again-3',
      opaque: ['new'],
    });
    expect(await count(second)).toBe(3);
  });
});
