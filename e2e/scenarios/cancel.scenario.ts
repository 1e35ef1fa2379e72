import { existsSync } from 'node:fs';
import { ASSIGNMENT, CHECKPOINT } from '@dynamo-snapshot/api/names';
import { up } from '../cluster/cluster';
import type { Held } from '../faults/held';
import { holdAt } from '../faults/held';
import type { AssignmentObject } from '../faults/lab';
import { becomes } from '../faults/lab';
import { FaultNode, filesIn } from '../faults/node';
import { checkpointOf, count, placeholder } from '../workload';
import type { CheckpointObject, PodStatus } from '../world';
import { clusterName, World } from '../world';

/** From the wish to the end of the operation. Far above what it takes; a machine may be busy. */
const SECONDS = 20;

describe('an operation that is not wanted any more lets go', () => {
  const world = new World();
  const { kube } = world;
  let nodes: readonly [FaultNode, FaultNode];
  let ip: string;

  beforeAll(async () => {
    const cluster = await up(clusterName, () => {});
    nodes = [await FaultNode.of(cluster, world.nodeA), await FaultNode.of(cluster, world.nodeB)];
    ({ ip } = await world.serving({ name: 'cancel', node: world.nodeA }));
  });
  afterAll(() => world.clean());

  const assignmentOf = async (held: Held) =>
    (await kube.list<AssignmentObject>(ASSIGNMENT.plural)).find((a) => a.metadata.uid === held.uid);
  const cancel = async (held: Held) => {
    const name = (await assignmentOf(held))?.metadata.name ?? '';
    await kube.run(['patch', ASSIGNMENT.singular, name, '--type=merge', '-p', '{"spec":{"cancelled":true}}']);
  };
  /** Journal, groups and work folders of both nodes. */
  const clean = () =>
    becomes(
      () =>
        Promise.resolve(
          nodes.every((n) => [n.journal, n.work].every((dir) => filesIn(dir).length === 0)) &&
            nodes.every((n) => n.groups.every((g) => !existsSync(`${g}/dynamo-snapshot`))),
        ),
      SECONDS,
    );

  it.each(['observe', 'dump', 'frozen', 'digest'])('a capture that is cancelled at %s', async (step) => {
    const before = await count(ip);
    const holding = holdAt(nodes[0], 'Capture', step, 60);
    await world.make(checkpointOf(`cancel-${step}`, 'cancel'));
    const held = await holding;
    await cancel(held);
    await held.release();
    await kube.wait(CHECKPOINT.singular, `cancel-${step}`, 'jsonpath={.status.phase}=Failed', SECONDS);
    expect((await assignmentOf(held))?.status).toMatchObject({ phase: 'Cancelled', reason: 'Cancelled' });
    expect(await count(ip)).toBe(before + 1);
    expect(await clean()).toBe(true);
  });

  it('a capture whose checkpoint is deleted', async () => {
    const before = await count(ip);
    const holding = holdAt(nodes[0], 'Capture', 'frozen', 60);
    await world.make(checkpointOf('cancel-deleted', 'cancel'));
    const held = await holding;
    await kube.run(['delete', CHECKPOINT.singular, 'cancel-deleted', '--wait=false']);
    await becomes(async () => (await assignmentOf(held))?.spec.cancelled === true, SECONDS);
    await held.release();
    await kube.wait(CHECKPOINT.singular, 'cancel-deleted', 'delete', SECONDS);
    expect(await count(ip)).toBe(before + 1);
    expect(await clean()).toBe(true);
  });

  it('a capture whose source pod is deleted', async () => {
    await world.serving({ name: 'cancel-source', node: world.nodeA });
    const holding = holdAt(nodes[0], 'Capture', 'frozen', 60);
    await world.make(checkpointOf('cancel-source', 'cancel-source'));
    const held = await holding;
    await kube.run(['delete', 'pod', 'cancel-source', '--wait=false']);
    await held.release();
    await kube.wait(CHECKPOINT.singular, 'cancel-source', 'jsonpath={.status.phase}=Failed', SECONDS);
    const { status } = await kube.get<CheckpointObject>(CHECKPOINT.singular, 'cancel-source');
    expect(status?.conditions?.find((c) => c.type === 'Ready')).toMatchObject({
      reason: 'SourcePodGone',
      message: 'pod cancel-source left while it was captured',
    });
    await kube.wait('pod', 'cancel-source', 'delete', 60);
    expect(await clean()).toBe(true);
  });

  it('a capture whose deadline passes ends as DeadlineExceeded', async () => {
    const before = await count(ip);
    const object = checkpointOf('cancel-late', 'cancel');
    const holding = holdAt(nodes[0], 'Capture', 'frozen', 60);
    await world.make({ ...object, spec: { ...(object['spec'] as object), capture: { timeoutSeconds: 8 } } });
    const held = await holding;
    await becomes(() => Promise.resolve(existsSync(`${held.entry}/cancel`)), SECONDS);
    await held.release();
    await kube.wait(CHECKPOINT.singular, 'cancel-late', 'jsonpath={.status.phase}=Failed', SECONDS);
    expect((await assignmentOf(held))?.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(await count(ip)).toBe(before + 1);
    expect(await clean()).toBe(true);
  });

  it.each(['verify', 'restore'])(
    'a restore that is cancelled at %s leaves an empty placeholder',
    async (step) => {
      if ((await kube.try(['get', CHECKPOINT.singular, 'cancel'])).code !== 0)
        await world.captured('cancel', 'cancel');
      const name = `cancel-restore-${step}`;
      const holding = holdAt(nodes[1], 'Restore', step, 60);
      await world.make(placeholder({ name, node: world.nodeB, checkpoint: 'cancel' }));
      const held = await holding;
      await cancel(held);
      await held.release();
      await kube.wait('pod', name, 'condition=nvidia.com/Restored=False', SECONDS);
      expect((await assignmentOf(held))?.status).toMatchObject({ phase: 'Cancelled' });
      const { status } = await kube.get<PodStatus>('pod', name);
      const id = status.containerStatuses?.[0]?.containerID.replace(/^containerd:\/\//, '') ?? '';
      expect(await becomes(async () => (await nodes[1].containerProcesses(id)).length === 1, SECONDS)).toBe(
        true,
      );
      expect(await clean()).toBe(true);
    },
  );

  it('a restore whose pod is deleted', async () => {
    const holding = holdAt(nodes[1], 'Restore', 'restore', 60);
    await world.make(placeholder({ name: 'cancel-gone', node: world.nodeB, checkpoint: 'cancel' }));
    const held = await holding;
    await kube.run(['delete', 'pod', 'cancel-gone', '--wait=false']);
    await held.release();
    await kube.wait('pod', 'cancel-gone', 'delete', 60);
    expect(await clean()).toBe(true);
    const checkpoint = await kube.get<CheckpointObject>(CHECKPOINT.singular, 'cancel');
    expect(checkpoint.status?.phase).toBe('Ready');
  });
});
