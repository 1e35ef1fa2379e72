import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { asking, count, SCRATCH_IMAGE, unprivileged, worker } from '../workload';
import type { CheckpointObject } from '../world';
import { restoredCondition, World } from '../world';

/** Nothing to write to, no rights, no program but its own. */
const bare = {
  container: {
    image: SCRATCH_IMAGE,
    securityContext: unprivileged,
    volumeMounts: [],
  },
  spec: { volumes: [] },
};

describe('a worker in an image from scratch, with a read-only root file system and without root', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('is made a placeholder and restored', async () => {
    await world.make(worker({ name: 'scratch', node: world.nodeA, ...bare }));
    const source = await world.ready('scratch');
    expect(await count(source.status.podIP)).toBe(1);
    await world.captured('scratch', 'scratch');
    await world.make(asking({ name: 'scratch-clone', node: world.nodeB, checkpoint: 'scratch', ...bare }));
    const clone = await world.ready('scratch-clone');
    expect(restoredCondition(clone)).toMatchObject({ status: 'True' });
    expect(await count(clone.status.podIP)).toBe(2);
  });

  it('starts cold by the command that was captured, since it names none itself', async () => {
    await world.captured('scratch-cold', 'scratch');
    const { identityHash = '', artifact } =
      (await world.kube.get<CheckpointObject>('dynamocheckpoint', 'scratch-cold')).status ?? {};
    rmSync(join(world.sharedDir, world.namespace, identityHash, artifact?.uid ?? '', 'manifest.json'));
    await world.make(
      asking({ name: 'scratch-cold', node: world.nodeB, checkpoint: 'scratch-cold', ...bare }),
    );
    const pod = await world.ready('scratch-cold', 120);
    expect(restoredCondition(pod)).toMatchObject({ status: 'False' });
    expect(await count(pod.status.podIP)).toBe(1);
  });
});
