import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { World } from '../world';

describe('deleting a checkpoint', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('removes its artifact', async () => {
    await world.serving({ name: 'deleted', node: world.nodeA });
    const { status } = await world.captured('deleted', 'deleted');
    const folder = join(
      world.sharedDir,
      world.namespace,
      status?.identityHash ?? '',
      status?.artifact?.uid ?? '',
    );
    expect(existsSync(join(folder, 'manifest.json'))).toBe(true);
    await world.kube.delete('dynamocheckpoint', ['deleted'], 60);
    expect(existsSync(folder)).toBe(false);
  });
});
