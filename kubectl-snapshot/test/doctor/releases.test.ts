import type { V1DaemonSet, V1Deployment, V1Node, V1Pod } from '@kubernetes/client-node';
import type { NodeReport } from '@dynamo-snapshot/api/doctor';
import { decide } from '../../src/doctor/decide';
import type { Seen, SeenCluster, SeenReport } from '../../src/doctor/observe';
import { checkpoint, readyStatus } from '../objects';
import { NOW } from '../stage';

const location = readyStatus.location ?? '';
const container = (watches: string) => ({
  name: 'agent',
  env: [
    { name: 'SNAPSHOT_STORE', value: '/checkpoints' },
    { name: 'WATCH_NAMESPACE', value: watches },
  ],
});

const agent = (name: string, watches: string, nodeName: string, ready = true): V1Pod => ({
  metadata: { name, namespace: `of-${watches}` },
  spec: {
    nodeName,
    containers: [container(watches)],
    volumes: [{ name: 'store', persistentVolumeClaim: { claimName: 'store' } }],
  },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

const daemonSet = (watches: string, team: string): V1DaemonSet => ({
  spec: {
    selector: {},
    template: { spec: { containers: [container(watches)], nodeSelector: { team } } },
  },
});

const node = (name: string, team: string): V1Node => ({ metadata: { name, labels: { team } } });

const deployment = (namespace: string, readyReplicas: number): V1Deployment => ({
  metadata: { name: 'snapshot-operator', namespace },
  status: { readyReplicas },
});

const told = (nodeName: string, store: Partial<NodeReport>): Seen<SeenReport> => ({
  value: { report: { nodeName, now: NOW, checks: [], artifacts: [], ...store }, clockAheadMs: 0 },
});

/** The artifact is of namespace `default`; team-b has a release of its own. */
const healthy: SeenCluster = {
  checkpoints: { value: [checkpoint('qwen3', readyStatus)] },
  nodes: { value: [node('node-a', 'a'), node('node-b', 'b')] },
  agents: { value: [agent('a', 'default', 'node-a'), agent('b', 'team-b', 'node-b')] },
  daemonSets: { value: [daemonSet('default', 'a'), daemonSet('team-b', 'b')] },
  warnings: new Map(),
  operators: { value: [deployment('default', 1), deployment('team-b', 1)] },
  webhooks: { value: [] },
  claims: { value: [] },
  reports: new Map([
    ['a', told('node-a', { artifacts: [location] })],
    ['b', told('node-b', {})],
  ]),
};

function said(change: Partial<SeenCluster>): readonly string[] {
  return decide({ ...healthy, ...change }, NOW)
    .filter((f) => f.result !== 'ok' && f.check !== 'Webhook')
    .map((f) => `${f.result} ${f.check} ${f.where}: ${f.message}`);
}

it('a store is not looked through for the checkpoints of another release, nor a node for its agent', () => {
  expect(said({})).toEqual([]);
});

const REMOVED = `the artifact ${location} of a Ready checkpoint is in no store`;

it('an artifact that the whole release has not, though another has it, is gone', () => {
  const reports = new Map([
    ['a', told('node-a', {})],
    ['b', told('node-b', { artifacts: [location] })],
  ]);
  expect(said({ reports })).toEqual([`problem Storage cluster: ${REMOVED}`]);
});

it.each<[string, readonly [string, Seen<SeenReport>][], readonly string[]]>([
  ['is not ready', [['a', told('node-a', {})]], []],
  [
    'could not be asked',
    [
      ['a', told('node-a', {})],
      ['c', { unknown: 'exit 1' }],
    ],
    ['unknown Agents cluster: agent pod c could not be asked about its node: exit 1'],
  ],
  [
    'cannot read its store',
    [
      ['a', told('node-a', {})],
      ['c', told('node-c', { storeUnknown: 'EIO' })],
    ],
    ['unknown Storage node-c: the store as this node sees it: EIO'],
  ],
])('nothing is said to be gone where an agent of the release %s', (_, reports, also) => {
  const agents = { value: [agent('a', 'default', 'node-a'), agent('c', 'default', 'node-c')] };
  const found = said({ agents, reports: new Map(reports), nodes: { value: [] } });
  const unsure = `unknown Storage cluster: ${REMOVED} that was looked at; not every agent has told of its own`;
  expect([...found].sort()).toEqual([...also, unsure].sort());
});

it('a store that nobody can read is unknown, not empty', () => {
  const reports = new Map([['a', told('node-a', { storeUnknown: 'EIO' })]]);
  expect(said({ reports })).toEqual(['unknown Storage node-a: the store as this node sees it: EIO']);
});

it('nothing is said of the artifact of a checkpoint that is being deleted', () => {
  const { metadata, ...rest } = checkpoint('qwen3', readyStatus);
  const deletionTimestamp = '2026-11-28T12:00:00Z';
  const checkpoints = { value: [{ ...rest, metadata: { ...metadata, deletionTimestamp } }] };
  expect(said({ checkpoints, reports: new Map([['a', told('node-a', {})]]) })).toEqual([]);
});

it('names a namespace with checkpoints that no release watches', () => {
  const agents = { value: [agent('b', 'team-b', 'node-b')] };
  expect(said({ agents, nodes: { value: [] } })).toEqual([
    'unknown Storage cluster: checkpoints of namespace default: there is no agent of a release that watches namespace default',
  ]);
});

it('a claim that one node can write is judged by the agents that have it', () => {
  const claim = {
    metadata: { name: 'store', namespace: 'of-default' },
    spec: { accessModes: ['ReadWriteOnce'] },
    status: { phase: 'Bound' },
  };
  expect(said({ claims: { value: [claim] } })).toEqual([]);
});

it('each operator is judged', () => {
  const operators = { value: [deployment('default', 1), deployment('team-b', 0)] };
  expect(said({ operators })).toEqual([
    'problem Operator cluster: operator team-b/snapshot-operator has no replica that is ready: nothing is captured or restored',
  ]);
});

it('a node that a release should be on, and is not, is named beside the agent of another', () => {
  const nodes = { value: [node('node-a', 'a'), node('node-b', 'b'), node('node-c', 'b')] };
  expect(said({ nodes })).toEqual([
    'problem Agents node-c: no agent of the release that watches namespace default runs on it: it does not have the label team=a',
    'problem Agents node-c: no agent of the release that watches namespace team-b runs on it',
  ]);
  const here = { value: [agent('a', 'default', 'node-a'), agent('x', 'default', 'node-b')] };
  expect(said({ agents: here })).toContain(
    'problem Agents node-b: no agent of the release that watches namespace team-b runs on it',
  );
});
