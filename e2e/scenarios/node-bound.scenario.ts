import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explain } from '@dynamo-snapshot/api/errors';
import { API_VERSION, ASSIGNMENT, GROUP, VERSION } from '@dynamo-snapshot/api/names';
import { Api } from '@dynamo-snapshot/controller/api';
import { leaseRef } from '@dynamo-snapshot/controller/lease';
import { KubeConfig } from '@kubernetes/client-node';
import { FULL_NAME } from '../chart';
import type { Finished, KubeObject } from '../kube';
import type { PodStatus } from '../world';
import { World } from '../world';

interface AgentPod extends PodStatus {
  readonly spec: { readonly nodeName: string };
}

/** Nothing lies at that place: the agent of the node deletes it in no time. */
const assignmentFor = (nodeName: string): KubeObject => ({
  apiVersion: API_VERSION,
  kind: ASSIGNMENT.kind,
  metadata: { name: `of-${nodeName}` },
  spec: {
    nodeName,
    operation: 'Delete',
    checkpoint: { name: 'nobody' },
    artifact: { identityHash: '0'.repeat(16), uid: '00000000-0000-4000-8000-000000000000' },
    deadlineSeconds: 60,
  },
});

describe('what the token of an agent can do', () => {
  const world = new World();
  const account = `${FULL_NAME}-agent`;
  let pods: readonly AgentPod[] = [];

  beforeAll(async () => {
    pods = await world.kube.list<AgentPod>('pods', 'app.kubernetes.io/component=agent');
    for (const node of [world.nodeA, world.nodeB]) {
      await world.make(assignmentFor(node));
      await world.kube.wait('snapshotassignment', `of-${node}`, 'jsonpath={.status.phase}=Succeeded', 60);
    }
  });
  afterAll(() => world.clean());

  const podOn = (node: string): string => pods.find((p) => p.spec.nodeName === node)?.metadata.name ?? '';
  /** As the kubelet asks for it; without a pod it is what any holder of the account's name could be given. */
  const token = (pod?: string): Promise<string> =>
    world.kube.run([
      'create',
      'token',
      account,
      ...(pod === undefined ? [] : ['--bound-object-kind=Pod', `--bound-object-name=${pod}`]),
    ]);

  /** The administrator's kubeconfig with that token in place of the certificate. */
  async function configFor(bearer: string): Promise<string> {
    const config = JSON.parse(
      await world.kube.run(['config', 'view', '--raw', '--minify', '-o', 'json']),
    ) as {
      readonly users: readonly { readonly name: string }[];
    };
    const users = config.users.map(({ name }) => ({ name, user: { token: bearer } }));
    return JSON.stringify({ ...config, users });
  }

  /** kubectl with nothing but that token. */
  async function as(bearer: string, args: readonly string[]): Promise<Finished> {
    const file = join(tmpdir(), `dynamo-snapshot-token-${process.pid}.kubeconfig`);
    writeFileSync(file, await configFor(bearer), { mode: 0o600 });
    return world.kube.try(['--kubeconfig', file, ...args]);
  }

  async function apiOf(bearer: string): Promise<Api> {
    const kube = new KubeConfig();
    kube.loadFromString(await configFor(bearer));
    return new Api(kube, 'test');
  }

  /** As an agent writes it. kubectl would read the status first, which an agent has no need to. Gives what the API server says. */
  async function tell(bearer: string, node: string): Promise<string> {
    const { apiVersion, kind, metadata } = assignmentFor(node);
    const ref = { group: GROUP, version: VERSION, plural: ASSIGNMENT.plural, namespace: world.namespace };
    const status = { message: `told by a test at ${Date.now()}` };
    return (await apiOf(bearer))
      .applyStatus({ ...ref, name: metadata.name }, { apiVersion, kind, metadata, status })
      .then(() => 'done', explain);
  }

  it('writes the status of its own node, and of no other', async () => {
    const bearer = await token(podOn(world.nodeA));
    expect(await tell(bearer, world.nodeA)).toBe('done');
    expect(await tell(bearer, world.nodeB)).toContain(
      `the agent of node ${world.nodeA} may not write snapshotassignments of node ${world.nodeB}`,
    );
  });

  it('writes nothing where it is bound to no node', async () => {
    expect(await tell(await token(), world.nodeA)).toContain('bound to no node');
  });

  it('makes no lease but that of the sweep', async () => {
    const ref = leaseRef(world.namespace, `snapshot-agent.${world.nodeA}`);
    const { name, namespace } = ref;
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace } };
    const api = await apiOf(await token(podOn(world.nodeA)));
    const said = await api.create(ref, lease).then(() => 'done', explain);
    expect(said).toContain(`may not write lease ${name}`);
  });

  it.each([
    ['patch', 'leases'],
    ['delete', 'leases'],
    ['list', 'leases'],
    ['patch', 'pods'],
    ['patch', 'pods/status'],
    ['delete', 'pods'],
    ['create', 'pods/exec'],
    ['create', 'snapshotassignments'],
    ['patch', 'snapshotassignments'],
    ['delete', 'snapshotassignments'],
    ['patch', 'dynamocheckpoints'],
    ['patch', 'dynamocheckpoints/status'],
    ['delete', 'dynamocheckpoints'],
    ['get', 'secrets'],
    ['list', 'pods'],
    ['get', 'nodes'],
  ])('may not %s %s', async (verb, resource) => {
    const [kind, subresource] = resource.split('/');
    const { stdout } = await as(await token(podOn(world.nodeA)), [
      ...['auth', 'can-i', verb, kind ?? ''],
      ...(subresource === undefined ? [] : [`--subresource=${subresource}`]),
    ]);
    expect(stdout.trim()).toBe('no');
  });

  it('reaches no pod of another node even where somebody grants it pods', async () => {
    await world.kube.run(['create', 'role', 'too-much', '--verb=get,patch', '--resource=pods']);
    await world.kube.run([
      ...['create', 'rolebinding', 'too-much', '--role=too-much'],
      `--serviceaccount=${world.namespace}:${account}`,
    ]);
    try {
      const bearer = await token(podOn(world.nodeA));
      const mark = (pod: string) => as(bearer, ['annotate', '--overwrite', 'pod', pod, 'test=marked']);
      expect(await mark(podOn(world.nodeA))).toMatchObject({ code: 0 });
      const other = await mark(podOn(world.nodeB));
      expect(other.code).not.toBe(0);
      expect(other.stderr).toContain(`may not write pods of node ${world.nodeB}`);
    } finally {
      await world.kube.delete('rolebinding', ['too-much']);
      await world.kube.delete('role', ['too-much']);
    }
  });
});
