import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointOf } from '../workload';
import type { CheckpointObject } from '../world';
import { World } from '../world';

describe('retention', () => {
  const world = new World();
  afterAll(() => world.clean());
  beforeAll(() => world.serving({ name: 'retention', node: world.nodeA }), 200_000);

  const captured = async (name: string, retention: object) => {
    const made = checkpointOf(name, 'retention');
    await world.make({ ...made, spec: { ...(made['spec'] as object), retention } });
    const { status } = await world.checkpointReady(name, 120);
    return join(
      world.sharedDir,
      world.namespace,
      (status as CheckpointObject['status'])?.location?.split('/').slice(1).join('/') ?? '',
    );
  };

  it('deletes a checkpoint when its time is over, and its artifact with it', async () => {
    const folder = await captured('short-lived', { ttlSecondsAfterReady: 15 });
    expect(existsSync(folder)).toBe(true);
    await world.kube.wait('dynamocheckpoint', 'short-lived', 'delete', 90);
    expect(existsSync(folder)).toBe(false);
  }, 240_000);

  it('leaves and marks an artifact that is to stay', async () => {
    const folder = await captured('retained', { deletionPolicy: 'Retain' });
    await world.kube.delete('dynamocheckpoint', ['retained'], 90);
    expect(existsSync(join(folder, 'manifest.json'))).toBe(true);
    expect(existsSync(join(folder, 'retained'))).toBe(true);
  }, 240_000);
});
