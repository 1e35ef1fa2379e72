import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { lease } from '@dynamo-snapshot/api/names';
import { checkpointOf } from '../workload';
import type { CheckpointObject } from '../world';
import { World } from '../world';

interface Lease {
  readonly spec: { readonly holderIdentity?: string };
}

describe('two operators', () => {
  const world = new World();
  afterAll(() => world.clean());
  const leader = async () => {
    const { spec } = await world.kube.get<Lease>('lease', lease.operator);
    return spec.holderIdentity?.replace(/_.*$/, '') ?? '';
  };

  it('end a capture Ready with one artifact, though the one that leads is killed in it', async () => {
    await world.serving({ name: 'leader', node: world.nodeA, env: { MODEL_MB: '512' } });
    const killed = await leader();
    await world.make(checkpointOf('leader', 'leader'));
    await world.kube.wait('dynamocheckpoint', 'leader', 'jsonpath={.status.phase}=Creating', 60);
    await world.kube.run(['delete', 'pod', killed, '--grace-period=0', '--force']);
    const { status } = (await world.checkpointReady('leader', 180)) as CheckpointObject;
    expect(await leader()).not.toBe(killed);
    const folder = join(world.sharedDir, world.namespace, status?.identityHash ?? '');
    expect(existsSync(join(folder, status?.artifact?.uid ?? '', 'manifest.json'))).toBe(true);
    expect(readdirSync(folder)).toHaveLength(1);
  }, 400_000);
});
