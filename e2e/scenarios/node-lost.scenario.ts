import { ASSIGNMENT, CHECKPOINT } from '@dynamo-snapshot/api/names';
import { up } from '../cluster/cluster';
import { holdAt } from '../faults/held';
import type { AssignmentObject } from '../faults/lab';
import { FaultNode } from '../faults/node';
import { Operators } from '../operators';
import { checkpointOf, count } from '../workload';
import type { CheckpointObject, PodStatus } from '../world';
import { clusterName, World } from '../world';

/** What the operator counts as lost, beside the 40 s after which an agent is silent. */
const LOST_SECONDS = 30;

describe('a node that is lost while it captures', () => {
  const world = new World();
  const { kube } = world;
  let node: FaultNode;
  let operators: Operators;

  beforeAll(async () => {
    node = await FaultNode.of(await up(clusterName, () => {}), world.nodeB);
    operators = await Operators.of(kube);
    await operators.setEnv('NODE_LOST_SECONDS', String(LOST_SECONDS));
  }, 200_000);
  afterAll(async () => {
    await node.thaw();
    await kube.wait('node', world.nodeB, 'condition=Ready', 60);
    await operators.resetEnv();
    await world.clean();
  }, 300_000);

  it('ends its assignment with the reason, and takes its work back when it is there again', async () => {
    const { ip } = await world.serving({ name: 'lost', node: world.nodeB });
    const before = await count(ip);
    const holding = holdAt(node, 'Capture', 'digest', 60);
    await world.make(checkpointOf('lost', 'lost'));
    const held = await holding;
    await node.freeze();
    await kube.wait(CHECKPOINT.singular, 'lost', 'jsonpath={.status.phase}=Failed', 120);
    const { status } = await kube.get<CheckpointObject>(CHECKPOINT.singular, 'lost');
    expect(status?.conditions?.find((c) => c.type === 'Ready')).toMatchObject({
      reason: 'NodeLost',
      message: `nothing was heard of node ${world.nodeB} for ${LOST_SECONDS} s while it did the capture`,
    });
    const assignments = await kube.list<AssignmentObject>(ASSIGNMENT.plural);
    expect(assignments.find((a) => a.metadata.uid === held.uid)?.status).toMatchObject({
      phase: 'Failed',
      reason: 'NodeLost',
    });

    await node.thaw();
    await held.release();
    await kube.wait('node', world.nodeB, 'condition=Ready', 60);
    await kube.wait('pod', 'lost', 'condition=Ready', 60);
    expect(await count(ip)).toBe(before + 1);
    const pod = await kube.get<PodStatus>('pod', 'lost');
    expect(pod.status.containerStatuses?.[0]?.restartCount).toBe(0);
    // Nothing is left of it in the store when the checkpoint is gone.
    await kube.delete(CHECKPOINT.singular, ['lost'], 90);
  }, 400_000);
});
