import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { install, RELEASE } from '../chart';
import { poll } from '../cluster/poll';
import { checkpointOf } from '../workload';
import type { CheckpointObject } from '../world';
import { World } from '../world';

const sweep = (everySeconds: number, afterSeconds: number): readonly string[] => [
  `storage.sweep.everySeconds=${everySeconds}`,
  `storage.sweep.afterSeconds=${afterSeconds}`,
];

describe('retention', () => {
  const world = new World();
  const release = world.release(RELEASE);
  beforeAll(() => world.serving({ name: 'retention', node: world.nodeA }), 200_000);
  afterAll(async () => {
    await install(release, world.values);
    await world.clean();
    rmSync(retained, { recursive: true, force: true });
  }, 300_000);
  let retained = '';

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
    retained = await captured('retained', { deletionPolicy: 'Retain' });
    await world.kube.delete('dynamocheckpoint', ['retained'], 90);
    expect(existsSync(join(retained, 'manifest.json'))).toBe(true);
    expect(existsSync(join(retained, 'retained'))).toBe(true);
  }, 240_000);

  it('has an agent remove what nobody owns any more, and nothing else', async () => {
    const [owned, orphan] = [await captured('owned', {}), await captured('orphan', {})];
    const noFinalizer = JSON.stringify({ metadata: { finalizers: null } });
    await world.kube.run(['patch', 'dynamocheckpoint', 'orphan', '--type=merge', '-p', noFinalizer]);
    await world.kube.delete('dynamocheckpoint', ['orphan']);
    expect(existsSync(orphan)).toBe(true);
    await install(release, [...world.values, ...sweep(2, 5)]);
    const gone = () => Promise.resolve(!existsSync(orphan));
    expect(await poll(gone, { limitMs: 90_000, everyMs: 200 })).toBe(true);
    for (const dir of [owned, retained]) {
      expect(existsSync(join(dir, 'manifest.json'))).toBe(true);
      expect(existsSync(join(dir, 'orphaned'))).toBe(false);
    }
  }, 300_000);
});
