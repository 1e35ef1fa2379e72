import type { NodeReport } from '@dynamo-snapshot/api/doctor';
import { exitCode } from '../../src/exit';
import { checkpoint, readyStatus } from '../objects';
import { NOW, Stage } from '../stage';

jest.setTimeout(60_000);

const labels = (component: string) => ({ 'app.kubernetes.io/component': component });
const meta = (name: string, component = '') => ({ name, namespace: 'dynamo', labels: labels(component) });
/** Self-signed and valid for a hundred years, in base64 of PEM: openssl req -x509 -newkey ec -days 36500 … */
const CERTIFICATE =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJsVENDQVR1Z0F3SUJBZ0lVT2hoekZFTnQ5MnpNZkFZYWh0NW14VmhrdWUwd0NnWUlLb1pJemowRUF3SXcKSHpFZE1Cc0dBMVVFQXd3VVpIbHVZVzF2TFhOdVlYQnphRzkwTFhSbGMzUXdJQmNOTWpZeE1USTRNVGt6TXpVMQpXaGdQTWpFeU5qRXhNRFF4T1RNek5UVmFNQjh4SFRBYkJnTlZCQU1NRkdSNWJtRnRieTF6Ym1Gd2MyaHZkQzEwClpYTjBNRmt3RXdZSEtvWkl6ajBDQVFZSUtvWkl6ajBEQVFjRFFnQUVITjZzWVBRTVNyQjA4bmlLOUhuZFh2NFYKbGVOMmEwTGlJRkpTSW5JTG5LWEV0bGRHRzFabVpDVHdFQjFEd2toSnJneEdWaDFoYWZ4b2xSSUQzWUlWaGFOVApNRkV3SFFZRFZSME9CQllFRkdRMjVjVzNwdHEwYTNsWkNhdDdudjlqQnNCdk1COEdBMVVkSXdRWU1CYUFGR1EyCjVjVzNwdHEwYTNsWkNhdDdudjlqQnNCdk1BOEdBMVVkRXdFQi93UUZNQU1CQWY4d0NnWUlLb1pJemowRUF3SUQKU0FBd1JRSWdSZWp1YnNyMXZ6MTI5ZkpWeGlpL3FBcXhsRWFCT25GemdEOUZzcWQ3L3lzQ0lRQ0RNdGJQUHJDago1NnUwUXEwVjFWWjI3bDMzWHJ3OEw2UFNOSUFSUHNBN3p3PT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=';

const container = { name: 'agent', env: [{ name: 'SNAPSHOT_STORE', value: '/checkpoints' }] };
const volumes = [{ name: 'checkpoints', persistentVolumeClaim: { claimName: 'snapshot-pvc' } }];

const agent = (node: string, ready = true) => ({
  metadata: { ...meta(`agent-${node}`, 'agent'), uid: node },
  spec: {
    nodeName: node,
    containers: [container],
    volumes,
  },
  status: {
    phase: ready ? 'Running' : 'Pending',
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
  },
});

const daemonSet = {
  metadata: meta('snapshot-agent', 'agent'),
  spec: {
    template: {
      spec: {
        nodeSelector: { 'kubernetes.io/arch': 'amd64' },
        containers: [container],
        volumes,
      },
    },
  },
};

const webhook = (caBundle?: string) => ({
  metadata: { name: 'snapshot-webhook' },
  webhooks: [
    {
      clientConfig: {
        service: { namespace: 'dynamo', name: 'snapshot-webhook' },
        ...(caBundle ? { caBundle } : {}),
      },
    },
  ],
});

const report = (nodeName: string, change: Partial<NodeReport> = {}): NodeReport => ({
  nodeName,
  now: NOW,
  checks: [{ check: 'RuntimeSocket', result: 'ok', message: 'containerd answers' }],
  artifacts: [readyStatus.location ?? ''],
  ...change,
});

interface Planted {
  readonly make?: (stage: Stage) => void;
  readonly agents?: readonly object[];
  readonly nodes?: readonly object[];
  readonly claim?: object;
  readonly webhooks?: readonly object[];
  readonly endpoints?: number;
  readonly readyOperators?: number;
  readonly reports?: Readonly<Record<string, Partial<NodeReport>>>;
}

const node = (name: string, nodeLabels: object = { 'kubernetes.io/arch': 'amd64' }, taints?: object[]) => ({
  metadata: { name, labels: nodeLabels },
  spec: taints === undefined ? {} : { taints },
});

/** A healthy cluster of two nodes, but for what is planted. */
async function diagnose(planted: Planted): Promise<{ code: number; problems: readonly string[] }> {
  const stage = new Stage();
  await stage.open();
  const put = (collection: string, namespace: string | undefined, object: object) =>
    stage.server.store.create(collection, namespace, object as never);
  for (const n of planted.nodes ?? [node('node-a'), node('node-b')]) put('api/v1/nodes', undefined, n);
  for (const a of planted.agents ?? [agent('node-a'), agent('node-b')]) put('api/v1/pods', 'dynamo', a);
  put('apis/apps/v1/daemonsets', 'dynamo', daemonSet);
  put('apis/apps/v1/deployments', 'dynamo', {
    metadata: meta('snapshot-operator', 'operator'),
    status: { readyReplicas: planted.readyOperators ?? 1 },
  });
  put('api/v1/persistentvolumeclaims', 'dynamo', {
    metadata: meta('snapshot-pvc'),
    ...(planted.claim ?? { spec: { accessModes: ['ReadWriteMany'] }, status: { phase: 'Bound' } }),
  });
  for (const w of planted.webhooks ?? [webhook(CERTIFICATE)])
    put('apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', undefined, w);
  put('apis/discovery.k8s.io/v1/endpointslices', 'dynamo', {
    metadata: { name: 'webhook-x', labels: { 'kubernetes.io/service-name': 'snapshot-webhook' } },
    endpoints: Array.from({ length: planted.endpoints ?? 1 }, () => ({ conditions: { ready: true } })),
  });
  stage.make('dynamocheckpoints', checkpoint('qwen3', readyStatus));
  planted.make?.(stage);
  stage.answer = (args) => {
    const name = args.find((a) => a.startsWith('agent-'))?.slice('agent-'.length) ?? '';
    return { stdout: JSON.stringify(report(name, planted.reports?.[name])) };
  };
  const { code, out } = await stage.run(['doctor', '-o', 'json']);
  await stage.close();
  const { findings } = JSON.parse(out) as {
    findings: { check: string; where: string; result: string; message: string; remedy?: string }[];
  };
  const problems = findings.filter((f) => f.result === 'problem');
  for (const p of problems) expect(p.remedy).toBeTruthy();
  return { code, problems: problems.map((p) => `${p.check} ${p.where}: ${p.message}`) };
}

it('finds nothing in a healthy cluster', async () => {
  expect(await diagnose({})).toEqual({ code: exitCode.ok, problems: [] });
});

const noSocket =
  'MountVolume.SetUp failed for volume "cri-socket": hostPath type check failed: /run/containerd/containerd.sock is not a socket file';

it.each<[string, Planted, string]>([
  [
    'no containerd socket, on a node whose agent cannot start',
    {
      agents: [agent('node-a'), agent('node-b', false)],
      make: ({ server }) => {
        const pod = server.store.get({
          collection: 'api/v1/pods',
          namespace: 'dynamo',
          name: 'agent-node-b',
        });
        server.store.create('api/v1/events', 'dynamo', {
          metadata: { name: 'e' },
          involvedObject: { uid: pod?.metadata.uid },
          type: 'Warning',
          reason: 'FailedMount',
          message: noSocket,
        } as never);
      },
    },
    "Agents node-b: agent agent-node-b cannot start, because the container runtime's socket is not there: FailedMount",
  ],
  [
    'CRIU missing a feature',
    {
      reports: {
        'node-b': {
          checks: [
            {
              check: 'CriuFeatures',
              result: 'problem',
              message: 'CRIU 3.17 lacks the feature overlayfs_maps',
              remedy: 'newer',
            },
          ],
        },
      },
    },
    'CriuFeatures node-b: CRIU 3.17 lacks the feature overlayfs_maps',
  ],
  [
    'no RWX',
    { claim: { spec: { accessModes: ['ReadWriteOnce'] }, status: { phase: 'Bound' } } },
    'Storage cluster: claim dynamo/snapshot-pvc is ReadWriteOnce, not ReadWriteMany: a checkpoint of one node cannot be restored on another',
  ],
  [
    'a claim that is not bound',
    { claim: { status: { phase: 'Pending' } } },
    'Storage cluster: claim dynamo/snapshot-pvc is Pending, so no agent can start',
  ],
  [
    'nodes that do not share the store',
    { reports: { 'node-b': { artifacts: [] } } },
    'is not in the store that node-b sees: the nodes do not share one',
  ],
  [
    'the webhook down',
    { endpoints: 0 },
    'Webhook cluster: webhook snapshot-webhook is down: service dynamo/snapshot-webhook has no endpoint that is ready',
  ],
  ['no webhook', { webhooks: [] }, 'Webhook cluster: there is no admission webhook'],
  [
    'a webhook that is not believed',
    { webhooks: [webhook('AAAA')] },
    'Webhook cluster: webhook snapshot-webhook is not believed: its caBundle is no certificate',
  ],
  [
    'no operator that is ready',
    { readyOperators: 0 },
    'Operator cluster: operator dynamo/snapshot-operator has no replica that is ready',
  ],
  [
    'the agent not on the node: a label',
    { agents: [agent('node-a')], nodes: [node('node-a'), node('node-b', {})] },
    'Agents node-b: no agent runs on it: it does not have the label kubernetes.io/arch=amd64',
  ],
  [
    'the agent not on the node: a taint',
    {
      agents: [agent('node-a')],
      nodes: [node('node-a'), node('node-b', undefined, [{ key: 'dedicated', effect: 'NoSchedule' }])],
    },
    'Agents node-b: no agent runs on it: it has the taint dedicated:NoSchedule',
  ],
  [
    'a clock ahead of the others',
    { reports: { 'node-b': { now: NOW + 42_000 } } },
    'Clock node-b: its clock is 42.0s ahead',
  ],
])('names %s', async (_, planted, words) => {
  const { code, problems } = await diagnose(planted);
  expect(code).toBe(exitCode.found);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(words);
});

it('a person sees each problem with what to do, and the count', async () => {
  const stage = new Stage();
  await stage.open();
  const { code, out } = await stage.run(['doctor']);
  await stage.close();
  expect(code).toBe(exitCode.found);
  expect(out).toMatchInlineSnapshot(`
   "✗ Operator  cluster
     there is no operator
     → install the chart: helm install snapshot charts/dynamo-snapshot

   ✗ Webhook  cluster
     there is no admission webhook: pods that ask for a checkpoint start the slow way
     → helm upgrade with the chart of this release, or write restore pods by hand (docs/restore-pods.md)

   ✗ Agents  cluster
     there are no agents
     → install the chart: helm install snapshot charts/dynamo-snapshot

   4 checks: 1 ok, 3 problems, 0 not looked at
   "
  `);
});
