import { asking, checkpoint, count, worker } from '../workload';
import { World } from '../world';

const OPERATOR = 'app.kubernetes.io/component=operator';

describe('while the webhook is down', () => {
  const world = new World();
  let operator = '';
  const scale = (replicas: number) =>
    world.kube.run(['scale', 'deployment', operator, `--replicas=${replicas}`]);

  beforeAll(async () => {
    const [found] = await world.kube.list<{ metadata: { name: string } }>('deployment', OPERATOR);
    operator = found?.metadata.name ?? '';
    await world.make(
      checkpoint('down', {
        source: { podName: 'down-nobody' },
        restore: { podSelector: { matchLabels: { app: 'down' } } },
      }),
    );
    await scale(0);
    await world.kube.run(['wait', 'pod', '-l', OPERATOR, '--for=delete', '--timeout=90s'], '', 100);
  });

  afterAll(async () => {
    await scale(1);
    await world.kube.run(['rollout', 'status', `deployment/${operator}`, '--timeout=120s'], '', 130);
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
    await scale(1);
    await world.told('down-asks', 'False', 'NotAPlaceholder', 120);
  });
});
