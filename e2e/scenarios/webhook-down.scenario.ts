import { Operators } from '../operators';
import { asking, checkpoint, count, worker } from '../workload';
import { World } from '../world';

describe('while the webhook is down', () => {
  const world = new World();
  let operators: Operators;

  beforeAll(async () => {
    operators = await Operators.of(world.kube);
    await world.make(
      checkpoint('down', {
        source: { podName: 'down-nobody' },
        restore: { podSelector: { matchLabels: { app: 'down' } } },
      }),
    );
    await operators.takeAway();
  });

  afterAll(async () => {
    await operators.bringBack();
    await world.clean();
  });

  it('pods that ask for nothing, and those that do, start with their own command', async () => {
    await world.make(worker({ name: 'down-plain', node: world.nodeA }));
    await world.make(asking({ name: 'down-asks', node: world.nodeB, checkpoint: 'down' }));
    const plain = await world.ready('down-plain');
    const asks = await world.ready('down-asks');
    expect([await count(plain.status.podIP), await count(asks.status.podIP)]).toEqual([1, 1]);
  });

  it('and the pod that asked hears of it when the operator is back', async () => {
    await operators.bringBack();
    await world.told('down-asks', 'False', 'NotAPlaceholder', 120);
  });
});
