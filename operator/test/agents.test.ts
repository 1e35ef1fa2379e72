import type { V1Pod } from '@kubernetes/client-node';
import { ApiServer } from '../../controller/test/apiserver';
import { until } from '../../controller/test/until';
import { Agents } from '../src/assignment/agents';
import type { SnapshotOperator } from '../src/operator';
import { leading } from './leading';
import { assignment, NOW, pod } from './objects';

const at = (secondsAgo: number) => new Date(NOW - secondsAgo * 1000);

/** Of node-a. */
interface AgentPod {
  readonly name?: string;
  readonly ready?: boolean;
  readonly changed?: Date;
  readonly leaves?: Date;
  readonly phase?: string;
}
function agentPod({ name = 'agent', ready = true, changed, leaves, phase }: AgentPod = {}): V1Pod {
  const made = pod(name, leaves === undefined ? {} : { deletionTimestamp: leaves });
  const [condition] = pod(name, {}, ready).status?.conditions ?? [];
  const since = changed === undefined ? {} : { lastTransitionTime: changed };
  const conditions = condition === undefined ? [] : [{ ...condition, ...since }];
  return { ...made, status: { conditions, ...(phase === undefined ? {} : { phase }) } };
}

describe('an agent', () => {
  let now: number;
  let agents: Agents;
  const known = () => [agents.state('node-a'), agents.silence('node-a') / 1000];
  const later = (seconds: number) => (now += seconds * 1000);

  beforeEach(() => {
    now = NOW;
    agents = new Agents({ now: () => now });
  });

  it('is alive while its pod is Ready, silent while it is not, and absent without one', () => {
    expect(known()).toEqual(['absent', Infinity]);
    expect(agents.see('ADDED', agentPod())).toBe('node-a');
    later(3600);
    expect([known(), agents.alive()]).toEqual([['alive', 0], ['node-a']]);
    expect(agents.see('MODIFIED', agentPod({ ready: false }))).toBe('node-a');
    later(41);
    expect([known(), agents.alive()]).toEqual([['silent', 41], []]);
    expect(agents.see('MODIFIED', agentPod())).toBe('node-a');
    expect(known()).toEqual(['alive', 0]);
    expect(agents.see('DELETED', agentPod())).toBe('node-a');
    expect([known(), agents.nodes]).toEqual([['absent', Infinity], []]);
  });

  it('changes nothing by a change of its pod that says the same', () => {
    agents.see('ADDED', agentPod({ ready: false }));
    later(30);
    expect(agents.see('MODIFIED', agentPod({ ready: false, changed: at(-30) }))).toBeUndefined();
    expect(known()).toEqual(['silent', 30]);
  });

  it('is nowhere while its pod has no node', () => {
    expect(agents.see('ADDED', { ...agentPod(), spec: { containers: [] } })).toBeUndefined();
    expect(agents.nodes).toEqual([]);
  });

  it('that leaves is silent until its pod is gone', () => {
    agents.see('ADDED', agentPod());
    agents.see('MODIFIED', agentPod({ leaves: at(-30) }));
    later(5);
    // Its node does not answer, and the node controller says so.
    agents.see('MODIFIED', agentPod({ leaves: at(-30), ready: false }));
    later(5);
    expect(known()).toEqual(['silent', 10]);
  });

  it('has gone where its pod has ended', () => {
    agents.see('ADDED', agentPod());
    expect(agents.see('MODIFIED', agentPod({ ready: false, phase: 'Failed' }))).toBe('node-a');
    expect(known()).toEqual(['absent', Infinity]);
  });

  it('is as alive as the best of its pods, while one replaces the other', () => {
    agents.see('ADDED', agentPod({ name: 'old' }));
    expect(agents.see('ADDED', agentPod({ name: 'new', ready: false }))).toBeUndefined();
    expect(agents.see('MODIFIED', agentPod({ name: 'old', leaves: at(-30) }))).toBe('node-a');
    later(5);
    expect(known()).toEqual(['silent', 5]);
    expect(agents.see('MODIFIED', agentPod({ name: 'new' }))).toBe('node-a');
    expect(agents.see('DELETED', agentPod({ name: 'old' }))).toBeUndefined();
    expect(known()).toEqual(['alive', 0]);
  });

  it.each<[string, AgentPod, number]>([
    ['was lost long before the operator looked', { ready: false, changed: at(3600) }, 3600],
    ['was to leave long before the operator looked', { changed: at(7200), leaves: at(3600) }, 3600],
    [
      'may have been lost just now: its node need not have the right time',
      { ready: false, changed: at(50) },
      0,
    ],
    ['has a clock that is ahead', { ready: false, changed: at(-50) }, 0],
    ['has said nothing yet', { ready: false }, 0],
  ])('that %s', (_, seen, silence) => {
    agents.see('ADDED', agentPod(seen));
    expect(known()).toEqual(['silent', silence]);
  });
});

describe('the operator', () => {
  const ASSIGNMENTS = 'apis/nvidia.com/v1alpha1/snapshotassignments';
  const PODS = 'api/v1/pods';
  const labels = { 'app.kubernetes.io/instance': 'snapshot' };
  const term = new AbortController();
  let server: ApiServer;
  let operator: SnapshotOperator;

  afterEach(async () => {
    term.abort();
    await operator.shutdown();
    await server.close();
  });

  const put = (collection: string, object: object, namespace = 'ns') =>
    void server.store.create(collection, namespace, object as never);
  const putAgent = (nodeName: string, namespace: string, of: object) =>
    put(
      PODS,
      { ...pod(`agent-${nodeName}`, { namespace, ...of }), spec: { nodeName, containers: [] } },
      namespace,
    );
  /** Nothing was heard of it for a minute. */
  function putRunning(name: string, nodeName: string): void {
    const then = new Date(Date.now() - 60_000).toISOString();
    const status = { phase: 'Running' as const, startedAt: then, heartbeatTime: then };
    put(ASSIGNMENTS, assignment(name, status, { nodeName }, { creationTimestamp: then }));
  }
  const reasonOf = (name: string) =>
    (server.store.get({ collection: ASSIGNMENTS, namespace: 'ns', name })?.status as { reason?: string })
      .reason;

  async function begin(): Promise<void> {
    operator = await leading(server, term.signal, {
      env: {
        POD_NAMESPACE: 'release',
        AGENT_SELECTOR: 'app.kubernetes.io/instance=snapshot',
        NODE_LOST_SECONDS: '30',
      },
    });
  }

  it('knows agents by their pods in its own namespace, and ends an operation when the last one is gone', async () => {
    server = new ApiServer();
    await server.listen();
    putAgent('node-a', 'release', { labels });
    putAgent('node-b', 'ns', { labels });
    putAgent('node-c', 'release', {});
    for (const node of ['node-a', 'node-b', 'node-c']) putRunning(`on-${node}`, node);
    await begin();
    await until('those without an agent are ended', () =>
      ['on-node-b', 'on-node-c'].every((name) => reasonOf(name) === 'NodeLost'),
    );
    expect(reasonOf('on-node-a')).toBeUndefined();
    server.store.delete({ collection: PODS, namespace: 'release', name: 'agent-node-a' });
    await until('the last one is ended', () => reasonOf('on-node-a') === 'NodeLost');
  });
});
