import { AGENT_IMAGE, checkpointOf } from '../workload';
import type { CheckpointObject } from '../world';
import { World } from '../world';

describe('a second checkpoint of one identity', () => {
  const world = new World();
  afterAll(() => world.clean());

  const second = async (name: string, podName: string) => {
    const { spec } = checkpointOf('first', podName) as unknown as { spec: object };
    await world.make({ ...checkpointOf(name, podName), spec });
    await world.kube.wait('dynamocheckpoint', name, 'jsonpath={.status.phase}=Failed', 60);
    const { status } = await world.kube.get<CheckpointObject>('dynamocheckpoint', name);
    return { status, ready: status?.conditions?.find((c) => c.type === 'Ready') };
  };

  beforeAll(async () => {
    await world.serving({ name: 'first', node: world.nodeA });
    await world.captured('first', 'first');
  }, 240_000);

  it('fails, and names the owner', async () => {
    const { status, ready } = await second('second', 'first');
    expect(ready?.reason).toBe('DuplicateIdentity');
    expect(status?.message).toMatch(/^checkpoint identity hash [0-9a-f]{16} is already owned by first$/);
  });

  it('of another image is another artifact, and both digests are said', async () => {
    await world.make({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'other-image' },
      spec: {
        nodeName: world.nodeB,
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'main',
            image: AGENT_IMAGE,
            imagePullPolicy: 'IfNotPresent',
            command: ['/bin/sh', '-c', 'sleep 3600'],
          },
        ],
      },
    });
    await world.ready('other-image');
    const { status, ready } = await second('third', 'other-image');
    expect(ready?.reason).toBe('ImageDiffers');
    expect(new Set(status?.message?.match(/sha256:[0-9a-f]{64}/g)).size).toBe(2);
  });
});
