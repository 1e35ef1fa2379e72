import { asking, checkpoint, count, state, worker } from '../workload';
import type { PodStatus } from '../world';
import { restoredCondition, World } from '../world';

interface Shaped {
  readonly spec: { readonly containers: readonly { readonly command?: readonly string[] }[] };
}

describe('an ordinary pod that asks for a checkpoint', () => {
  const world = new World();
  afterAll(() => world.clean());
  let hash = '';

  beforeAll(async () => {
    const source = await world.serving({ name: 'admission', node: world.nodeA });
    await count(source.ip);
    const { status } = await world.captured('admission', 'admission');
    hash = status?.identityHash ?? '';
  });

  it('is made a placeholder at admission and restored, with no change by hand', async () => {
    await world.make(asking({ name: 'admission-clone', node: world.nodeB, checkpoint: 'admission' }));
    const pod = await world.ready('admission-clone');
    expect(await state(pod.status.podIP)).toMatchObject({
      counter: 1,
      modelIntact: true,
      hostname: 'admission-clone',
    });
    expect(restoredCondition(pod)).toMatchObject({ status: 'True', reason: 'RestoreSucceeded' });
    const after = await world.kube.get<PodStatus>('pod', 'admission-clone');
    expect(after.status.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  it("may ask by the labels that upstream's users know", async () => {
    const made = worker({ name: 'admission-labels', node: world.nodeA });
    const labels = {
      'nvidia.com/snapshot-is-restore-target': 'true',
      'nvidia.com/snapshot-checkpoint-hash': hash,
    };
    await world.make({ ...made, metadata: { ...made.metadata, labels } });
    const pod = await world.ready('admission-labels');
    expect(restoredCondition(pod)).toMatchObject({ status: 'True' });
    expect(await count(pod.status.podIP)).toBe(2);
  });

  it('is shown by a dry run as it would be, and nothing is made', async () => {
    const pod = asking({ name: 'admission-dry', node: world.nodeB, checkpoint: 'admission' });
    const args = ['create', '--dry-run=server', '-o', 'json', '-f', '-'];
    const shaped = JSON.parse(await world.kube.run(args, JSON.stringify(pod))) as Shaped;
    expect(shaped.spec.containers[0]?.command?.[0]).toBe('/.snapshot/standby');
    expect((await world.kube.try(['get', 'pod', 'admission-dry'])).stderr).toContain('NotFound');
  });

  it('is left as it is where it asks for nothing', async () => {
    const args = ['create', '--dry-run=server', '-o', 'json', '-f', '-'];
    const pod = worker({ name: 'admission-plain', node: world.nodeB });
    const plain = JSON.parse(await world.kube.run(args, JSON.stringify(pod))) as Shaped;
    expect(plain.spec.containers[0]).not.toHaveProperty('command');
  });
});

describe('a DynamoCheckpoint that would get in the way of another', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('is refused, with the name of the other', async () => {
    const selecting = (name: string) =>
      checkpoint(name, {
        source: { podName: 'nobody' },
        restore: { podSelector: { matchLabels: { app: 'rival' } } },
      });
    await world.make(selecting('rival-1'));
    const answer = await world.kube.try(['create', '-f', '-'], JSON.stringify(selecting('rival-2')));
    expect(answer.stderr).toContain('selects the same pods as that of DynamoCheckpoint rival-1');
  });
});
