import { ASSIGNMENT, CHECKPOINT } from '@dynamo-snapshot/api/names';
import { bringAgentsBack } from '../agents';
import type { Cluster } from '../cluster/cluster';
import { up } from '../cluster/cluster';
import type { Held } from '../faults/held';
import { holdAt } from '../faults/held';
import type { AssignmentObject } from '../faults/lab';
import { becomes, killDaemon, podOf, revive } from '../faults/lab';
import { FaultNode, filesIn } from '../faults/node';
import { Reader } from '../faults/reader';
import { Operators } from '../operators';
import { checkpointOf, count } from '../workload';
import type { CheckpointObject, PodStatus } from '../world';
import { clusterName, World } from '../world';

/** What the operator counts as lost, beside the 40 to 50 s after which the node controller says that nothing is Ready there. */
const LOST_SECONDS = 30;

interface Told extends AssignmentObject {
  readonly status?: AssignmentObject['status'] & { readonly heartbeatTime?: string };
}

describe('a node that is lost while it captures', () => {
  const world = new World();
  const { kube } = world;
  let cluster: Cluster;
  let node: FaultNode;
  let operators: Operators;

  beforeAll(async () => {
    cluster = await up(clusterName, () => {});
    node = await FaultNode.of(cluster, world.nodeB);
    operators = await Operators.of(kube);
    await operators.setEnv('NODE_LOST_SECONDS', String(LOST_SECONDS));
  }, 200_000);
  afterAll(async () => {
    await node.thaw();
    await kube.wait('node', world.nodeB, 'condition=Ready', 60);
    await operators.resetEnv();
    await world.clean();
  }, 300_000);

  /** A capture of a pod on the node stands at a step at which its source serves. */
  async function capturing(name: string) {
    const { ip } = await world.serving({ name, node: world.nodeB });
    const holding = holdAt(node, 'Capture', 'digest', 60);
    await world.make(checkpointOf(name, name));
    return { ip, held: await holding };
  }

  async function endsAsLost(name: string, { uid }: Held): Promise<void> {
    await kube.wait(CHECKPOINT.singular, name, 'jsonpath={.status.phase}=Failed', 120);
    const { status } = await kube.get<CheckpointObject>(CHECKPOINT.singular, name);
    expect(status?.conditions?.find((c) => c.type === 'Ready')).toMatchObject({
      reason: 'NodeLost',
      message: `nothing was heard of node ${world.nodeB} for ${LOST_SECONDS} s while it did the capture`,
    });
    const assignments = await kube.list<AssignmentObject>(ASSIGNMENT.plural);
    const ended = { phase: 'Failed', reason: 'NodeLost' };
    expect(assignments.find((a) => a.metadata.uid === uid)?.status).toMatchObject(ended);
  }

  it('ends its assignment with the reason, and takes its work back when it is there again', async () => {
    const { ip, held } = await capturing('lost');
    const before = await count(ip);
    await node.freeze();
    await endsAsLost('lost', held);
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

  it('ends nothing where only its kubelet is away: the agent goes on saying how far it is', async () => {
    const { ip, held } = await capturing('away');
    await killDaemon({ cluster }, node.name, 'kubelet');
    try {
      const reader = new Reader(cluster.kubeconfig);
      const agent = await podOf({ reader }, 'agent', world.nodeB);
      await kube.wait('pod', agent, 'condition=Ready=false', 90);
      const silentSince = Date.now();
      const told = async () =>
        (await reader.list<Told>(ASSIGNMENT.plural)).find((a) => a.metadata.uid === held.uid)?.status;
      const goesOn = async () => {
        const heard = Date.parse((await told())?.heartbeatTime ?? '');
        return heard - silentSince > (LOST_SECONDS + 5) * 1000;
      };
      expect(await becomes(goesOn, 2 * LOST_SECONDS)).toBe(true);
      expect(await told()).toMatchObject({ phase: 'Running' });
    } finally {
      await revive({ cluster });
      await held.release();
    }
    await world.checkpointReady('away');
    expect(await count(ip)).toBe(1);
  }, 400_000);

  it('and that is deleted from the cluster ends its assignment too, and can come back', async () => {
    const { held } = await capturing('deleted');
    await node.freeze();
    await kube.run(['delete', 'node', world.nodeB]);
    await endsAsLost('deleted', held);
    await node.thaw();
    await held.release();
    // A kubelet registers its node when it starts.
    await killDaemon({ cluster }, node.name, 'kubelet');
    await revive({ cluster });
    await kube.wait('node', world.nodeB, 'condition=Ready', 90);
    await bringAgentsBack(kube);
    await kube.delete(CHECKPOINT.singular, ['deleted'], 90);
    const journal = () => Promise.resolve(filesIn(node.journal).length === 0);
    expect(await becomes(journal, 60)).toBe(true);
  }, 400_000);
});
