import { secondsBetween } from '@dynamo-snapshot/api/time';
import { bringAgentsBack, removeAgents } from '../agents';
import { checkpoint, count, deployment, state } from '../workload';
import type { CheckpointObject, PodStatus } from '../world';
import { conditionOf, restoredCondition, World } from '../world';

const labels = { app: 'scale' };

describe('a Deployment whose pods a checkpoint selects', () => {
  const world = new World();
  afterAll(async () => {
    await bringAgentsBack(world.kube);
    await world.clean();
  });

  const pods = () => world.kube.list<PodStatus>('pods', 'app=scale');
  const scale = async (replicas: number, seconds: number) => {
    await world.kube.run(['scale', 'deployment/scale', `--replicas=${replicas}`]);
    await world.kube.wait('deployment', 'scale', `jsonpath={.status.readyReplicas}=${replicas}`, seconds);
    return pods();
  };
  const readyAfter = (pod: PodStatus) =>
    secondsBetween(pod.metadata.creationTimestamp, conditionOf(pod, 'Ready')?.lastTransitionTime ?? '');

  it('scales up by restores, on both nodes, with no change to it', async () => {
    await world.make(deployment({ name: 'scale' }, labels));
    await world.kube.wait('deployment', 'scale', 'jsonpath={.status.readyReplicas}=1', 120);
    const [first] = await pods();
    await count(first?.status.podIP ?? '');
    await world.make(
      checkpoint('scale', {
        source: { selector: { matchLabels: labels }, containerName: 'main' },
        restore: { podSelector: { matchLabels: labels }, claimTimeoutSeconds: 30 },
      }),
    );
    await world.checkpointReady('scale');
    await selectorIsKnown(world);

    const all = await scale(4, 180);
    const clones = all.filter((p) => p.metadata.name !== first?.metadata.name);
    expect(clones.map((p) => restoredCondition(p))).toEqual(
      clones.map(() => expect.objectContaining({ status: 'True', reason: 'RestoreSucceeded' })),
    );
    expect(await Promise.all(clones.map((p) => count(p.status.podIP)))).toEqual([2, 2, 2]);
    expect(new Set(all.map((p) => p.spec.nodeName)).size).toBe(2);
    console.log(`created -> Ready: ${clones.map(readyAfter).join(', ')} s`);
  });

  it('scales up cold where there is no agent, Ready, and with the reason', async () => {
    const before = new Set((await pods()).map((p) => p.metadata.name));
    await removeAgents(world.kube);
    const fifth = (await scale(5, 180)).find((p) => !before.has(p.metadata.name));
    expect(fifth && restoredCondition(fifth)).toMatchObject({ status: 'False', reason: 'AgentMissing' });
    const worker = await state(fifth?.status.podIP ?? '');
    expect(worker).toMatchObject({ counter: 0, modelIntact: true, pid: 1 });
    expect(fifth?.status.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  it('is not captured where there is no agent, which is said, and ends with the reason', async () => {
    const capture = { timeoutSeconds: 20 };
    await world.make(checkpoint('no-agent', { source: { selector: { matchLabels: labels } }, capture }));
    const reasonOf = '{.status.conditions[?(@.type=="Captured")].reason}';
    await world.kube.wait('dynamocheckpoint', 'no-agent', `jsonpath=${reasonOf}=AgentMissing`, 60);
    await world.kube.wait('dynamocheckpoint', 'no-agent', 'jsonpath={.status.phase}=Failed', 60);
    const { status } = await world.kube.get<CheckpointObject>('dynamocheckpoint', 'no-agent');
    expect(status?.message).toMatch(/^no snapshot agent took it on node node-[ab] within 20 s$/);
    const events = await world.kube.run([
      'get',
      'events',
      '--field-selector',
      'involvedObject.name=no-agent',
    ]);
    expect(events).toMatch(/AgentMissing.*DaemonSet's nodeSelector/);
  });
});

/** The API server asks the webhook about pods with these labels from now on. */
async function selectorIsKnown(world: World): Promise<void> {
  const path = '{.items[*].webhooks[*].matchConditions[*].expression}';
  const end = Date.now() + 60_000;
  while (
    !(await world.kube.run(['get', 'mutatingwebhookconfigurations', '-o', `jsonpath=${path}`])).includes(
      '"scale"',
    )
  )
    if (Date.now() > end) throw new Error('the selector of the checkpoint is in no webhook configuration');
}
