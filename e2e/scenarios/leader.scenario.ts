import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { lease } from '@dynamo-snapshot/api/names';
import { up } from '../cluster/cluster';
import { poll } from '../cluster/poll';
import { holdAt } from '../faults/held';
import { FaultNode } from '../faults/node';
import { checkpointOf, count } from '../workload';
import type { CheckpointObject } from '../world';
import { clusterName, World } from '../world';

interface Lease {
  readonly spec: { readonly holderIdentity?: string };
}

describe('two operators', () => {
  const world = new World();
  afterAll(() => world.clean());
  /** Its pod. */
  const leader = async () => {
    const { spec } = await world.kube.get<Lease>('lease', lease.operator);
    return spec.holderIdentity?.replace(/_.*$/, '') ?? '';
  };

  it('end a capture Ready with one artifact, though the one that leads is killed in it', async () => {
    const node = await FaultNode.of(await up(clusterName, () => {}), world.nodeA);
    const { ip } = await world.serving({ name: 'leader', node: world.nodeA });
    const killed = await leader();
    const holding = holdAt(node, 'Capture', 'digest', 60);
    await world.make(checkpointOf('leader', 'leader'));
    const held = await holding;
    await world.kube.run(['delete', 'pod', killed, '--grace-period=0', '--force']);
    const another = async () => !['', killed].includes(await leader());
    expect(await poll(another, { limitMs: 60_000, everyMs: 500 })).toBe(true);
    await held.release();
    const { status } = (await world.checkpointReady('leader', 120)) as CheckpointObject;
    const folder = join(world.sharedDir, world.namespace, status?.identityHash ?? '');
    expect(existsSync(join(folder, status?.artifact?.uid ?? '', 'manifest.json'))).toBe(true);
    expect(readdirSync(folder)).toHaveLength(1);
    expect(await count(ip)).toBe(1);
    await world.kube.run(
      ['rollout', 'status', 'deployment', '-l', 'app.kubernetes.io/component=operator', '--timeout=90s'],
      '',
      100,
    );
  }, 300_000);
});
