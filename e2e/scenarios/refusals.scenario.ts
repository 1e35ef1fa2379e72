import { truncateSync } from 'node:fs';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointOf, placeholder } from '../workload';
import type { PodStatus } from '../world';
import { World } from '../world';

const restoredCondition = (pod: PodStatus) =>
  pod.status.conditions?.find((c) => c.type === 'nvidia.com/Restored');

describe('what cannot be done is said', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('an invalid DynamoCheckpoint is refused with the name of the field', async () => {
    const object = checkpointOf('invalid', 'nobody');
    const bad = {
      ...object,
      spec: { ...(object['spec'] as object), identity: { model: 'm', backendFramework: 'tgi' } },
    };
    const answer = await world.kube.try(['apply', '-f', '-'], JSON.stringify(bad));
    expect(answer.code).not.toBe(0);
    expect(answer.stderr).toContain('spec.identity.backendFramework');
  });

  it('a checkpoint needs exactly one of job and source', async () => {
    const object = checkpointOf('neither', 'nobody');
    const bad = { ...object, spec: { identity: { model: 'm', backendFramework: 'generic' } } };
    const answer = await world.kube.try(['apply', '-f', '-'], JSON.stringify(bad));
    expect(answer.stderr).toContain('exactly one of spec.job and spec.source');
  });

  it('a restore that names a checkpoint that does not exist has an event and a condition', async () => {
    await world.make(placeholder({ name: 'orphan', node: world.nodeB, checkpoint: 'no-such-checkpoint' }));
    await world.kube.wait('pod', 'orphan', 'condition=nvidia.com/Restored=False', 60);
    const pod = await world.kube.get<PodStatus>('pod', 'orphan');
    expect(restoredCondition(pod)).toMatchObject({ reason: 'CheckpointNotFound' });
    expect(restoredCondition(pod)?.message).toContain('no-such-checkpoint');
    const events = await world.kube.run(['get', 'events', '--field-selector', 'involvedObject.name=orphan']);
    expect(events).toContain('CheckpointNotFound');
  });

  it('an artifact with a truncated file is refused before any process exists, and the pod says which file', async () => {
    await world.serving({ name: 'torn', node: world.nodeA });
    const checkpoint = await world.captured('torn', 'torn');
    const { identityHash = '', artifact } = checkpoint.status ?? {};
    const images = join(world.sharedDir, world.namespace, identityHash, artifact?.uid ?? '', 'criu');
    const pages = readdirSync(images).find((f) => f.startsWith('pages-')) ?? '';
    truncateSync(join(images, pages), 4096);
    await world.make(placeholder({ name: 'torn-clone', node: world.nodeB, checkpoint: 'torn' }));
    await world.kube.wait('pod', 'torn-clone', 'condition=nvidia.com/Restored=False', 90);
    const pod = await world.kube.get<PodStatus>('pod', 'torn-clone');
    expect(restoredCondition(pod)?.message).toContain(pages);
    const inside = await world.kube.exec('torn-clone', ['ls', '/proc']);
    const processes = inside.stdout.split(/\s+/).filter((name) => /^\d+$/.test(name));
    expect(processes.filter((pid) => pid !== '1').length).toBeLessThanOrEqual(1);
  });
});
