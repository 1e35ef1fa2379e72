import { readFileSync } from 'node:fs';
import { standbyConfigMaps } from '@dynamo-snapshot/api/names';
import { parse } from 'yaml';
import product from '../../package.json';
import { CHART, objects, only } from './helm';
import type { Rendered, Values } from './helm';

const agentOf = (values: Values = {}): Rendered => only(objects(values), 'DaemonSet')['spec'].template.spec;
const hostPaths = (values: Values = {}): readonly string[] =>
  agentOf(values)['volumes'].flatMap((v: { hostPath?: { path: string } }) => v.hostPath?.path ?? []);

it('has the version of the product', () => {
  const chart = parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8')) as Record<string, string>;
  expect([chart['version'], chart['appVersion']]).toEqual([product.version, product.version]);
});

describe('the agent', () => {
  it('shares the pid namespace of the host, and no other', () => {
    const { hostPID, hostIPC, hostNetwork } = agentOf();
    expect({ hostPID, hostIPC, hostNetwork }).toEqual({ hostPID: true });
  });

  it('sees five paths of the host', () => {
    expect(hostPaths()).toEqual([
      '/sys/fs/cgroup',
      '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs',
      '/run/containerd/containerd.sock',
      '/var/lib/dynamo-snapshot/dynamo/snapshot-dynamo-snapshot',
      '/var/lib/kubelet/seccomp',
    ]);
  });

  it.each([
    ['k3s', '/var/lib/rancher/k3s/agent/containerd'],
    ['rke2', '/var/lib/rancher/rke2/agent/containerd'],
  ])('finds the container runtime of %s', (preset, root) => {
    const paths = hostPaths({ runtime: { preset } });
    expect(paths).toContain(`${root}/io.containerd.snapshotter.v1.overlayfs`);
    expect(paths).toContain('/run/k3s/containerd/containerd.sock');
    const { env } = agentOf({ runtime: { preset } })['containers'][0];
    expect(env).toContainEqual({
      name: 'SNAPSHOT_CRI_SOCKET',
      value: 'unix:///run/k3s/containerd/containerd.sock',
    });
  });

  it('takes what is set before what the preset says', () => {
    const paths = hostPaths({ runtime: { preset: 'k3s', root: '/data/c', socketPath: '/run/c.sock' } });
    expect(paths).toContain('/data/c/io.containerd.snapshotter.v1.overlayfs');
    expect(paths).toContain('/run/c.sock');
  });

  it('has a list of capabilities where it is not privileged', () => {
    const { privileged, capabilities, seccompProfile, appArmorProfile } = agentOf({
      daemonset: { privileged: false, capabilities: ['SYS_ADMIN', 'SYS_PTRACE'] },
    })['containers'][0].securityContext;
    expect(privileged).toBeUndefined();
    expect(capabilities).toEqual({ drop: ['ALL'], add: ['SYS_ADMIN', 'SYS_PTRACE'] });
    expect([seccompProfile.type, appArmorProfile.type]).toEqual(['Unconfined', 'Unconfined']);
  });

  it('knows nothing of GPUs by itself', () => {
    const { containers, runtimeClassName } = agentOf();
    expect(runtimeClassName).toBeUndefined();
    expect(JSON.stringify(containers)).not.toMatch(/nvidia|libcuda|pod-resources/i);
  });

  it("gets the driver through the toolkit, and the kubelet's word on GPUs", () => {
    const values = { gpu: { enabled: true } };
    const { runtimeClassName, containers } = agentOf(values);
    expect(runtimeClassName).toBe('nvidia');
    expect(containers[0].env).toContainEqual({
      name: 'NVIDIA_DRIVER_CAPABILITIES',
      value: 'compute,utility',
    });
    expect(hostPaths(values)).toContain('/var/lib/kubelet/pod-resources');
  });

  it('gets it out of a folder of the node', () => {
    const values = { gpu: { enabled: true, driver: 'hostPath', libraryPath: '/opt/nvidia/lib' } };
    const { runtimeClassName, containers } = agentOf(values);
    expect(runtimeClassName).toBeUndefined();
    expect(containers[0].env).toContainEqual({
      name: 'SNAPSHOT_LIBCUDA',
      value: '/host/driver/libcuda.so.1',
    });
    expect(hostPaths(values)).toContain('/opt/nvidia/lib');
  });

  it('reads keys from a Secret', () => {
    const { volumes, containers } = agentOf({ keys: { secretName: 'ring', encryptWith: 'new' } });
    expect(volumes).toContainEqual({ name: 'keys', secret: { secretName: 'ring', defaultMode: 0o400 } });
    expect(containers[0].env).toContainEqual({ name: 'SNAPSHOT_ENCRYPT_WITH', value: 'new' });
    expect(containers[0].env).toContainEqual({ name: 'SNAPSHOT_REQUIRE_SIGNATURE', value: 'false' });
  });

  it('may write one lease, and none where it does not sweep', () => {
    const { rules } = only(objects(), 'Role', '-agent-leases');
    expect(rules).toEqual([
      expect.objectContaining({ resourceNames: ['snapshot-sweep'], verbs: ['get', 'patch'] }),
      expect.objectContaining({ resources: ['leases'], verbs: ['create'] }),
    ]);
    const without = objects({ storage: { sweep: { enabled: false } } });
    expect(without.filter(({ metadata }) => metadata.name.endsWith('-agent-leases'))).toEqual([]);
  });

  it('may write the status of assignments and nothing else', () => {
    const { rules } = only(objects(), 'Role', '-agent');
    const writes = rules.filter(({ verbs }: { verbs: string[] }) =>
      verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)),
    );
    expect(writes).toEqual([
      { apiGroups: ['nvidia.com'], resources: ['snapshotassignments/status'], verbs: ['patch'] },
    ]);
  });
});

describe('the operator', () => {
  it('has no volume, no host namespace, no privilege', () => {
    const { volumes, hostPID, hostNetwork, securityContext, containers } = only(objects(), 'Deployment')[
      'spec'
    ].template.spec;
    expect({ volumes, hostPID, hostNetwork }).toEqual({});
    expect(securityContext.runAsNonRoot).toBe(true);
    expect(containers[0].securityContext.capabilities).toEqual({ drop: ['ALL'] });
  });

  it.each<[string, Values]>([
    ['as it is', {}],
    ['under another name', { nameOverride: 'snap', fullnameOverride: 'snap' }],
    [
      'with labels of its own',
      { podLabels: { team: 'inference' }, daemonset: { podLabels: { tier: 'node' } } },
    ],
  ])('finds the agents of its release %s by their labels', (_, values) => {
    const all = objects(values);
    const { env } = only(all, 'Deployment')['spec'].template.spec.containers[0];
    const { value } = env.find(({ name }: { name: string }) => name === 'AGENT_SELECTOR');
    const { selector, template } = only(all, 'DaemonSet')['spec'];
    const wanted = (value as string).split(',').map((term) => term.split('='));
    expect(Object.fromEntries(wanted)).toEqual(selector.matchLabels);
    expect(template.metadata.labels).toMatchObject(selector.matchLabels);
  });

  it.each([
    [true, 'Role'],
    [false, 'ClusterRole'],
  ])('may watch their pods; namespaceRestricted: %s', (namespaceRestricted, kind) => {
    const { rules } = only(objects({ rbac: { namespaceRestricted } }), kind, 'snapshot-operator');
    expect(rules).toContainEqual({ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] });
  });
});

describe('two releases beside each other', () => {
  const inNamespace = (namespace: string) =>
    objects({}, ['--namespace', namespace]).filter(({ metadata }) => metadata.namespace === undefined);

  it('share no object that is in no namespace', () => {
    const names = (namespace: string) => inNamespace(namespace).map((o) => `${o.kind} ${o.metadata.name}`);
    const [first, second] = [names('dynamo'), names('other')];
    expect(first.length).toBeGreaterThan(0);
    expect(first.filter((name) => second.includes(name))).toEqual([]);
  });

  it('have a folder each on a node', () => {
    const state = (namespace: string) =>
      only(objects({}, ['--namespace', namespace]), 'DaemonSet')['spec'].template.spec.volumes.find(
        ({ name }: { name: string }) => name === 'state',
      ).hostPath.path;
    expect(state('dynamo')).not.toBe(state('other'));
  });
});

it.each<[string, Values, readonly string[]]>([
  [
    'admissionPolicy',
    { admissionPolicy: { create: false } },
    ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'],
  ],
  ['networkPolicy', { networkPolicy: { create: false } }, ['NetworkPolicy']],
  [
    'operator.podDisruptionBudget',
    { operator: { podDisruptionBudget: { create: false } } },
    ['PodDisruptionBudget'],
  ],
  [
    'rbac.aggregate, crds.upgrade and webhook.enabled',
    { rbac: { aggregate: false }, crds: { upgrade: false }, webhook: { enabled: false } },
    ['ClusterRole', 'ClusterRoleBinding'],
  ],
])('%s can be left out', (_, values, kinds) => {
  const of = (all: readonly Rendered[]) => all.map(({ kind }) => kind);
  expect(of(objects())).toEqual(expect.arrayContaining([...kinds]));
  expect(of(objects(values)).filter((kind) => kinds.includes(kind))).toEqual([]);
});

it.each([
  ['by the names that the operator uses, and none else', {}, [['create'], ['get', 'delete']]],
  ['none of them where placeholders have an installer', { webhook: { standbyConfigMap: false } }, []],
  ['none of them where there is no webhook', { webhook: { enabled: false } }, []],
])('lets the operator have ConfigMaps: %s', (_, values, verbs) => {
  const { rules } = only(objects(values), 'Role', '-operator') as unknown as {
    rules: readonly {
      resources: readonly string[];
      resourceNames?: readonly string[];
      verbs: readonly string[];
    }[];
  };
  const about = rules.filter((rule) => rule.resources.includes('configmaps'));
  expect(about.map((rule) => rule.verbs)).toEqual(verbs);
  expect(about.flatMap((rule) => rule.resourceNames ?? [])).toEqual(
    verbs.length > 0 ? standbyConfigMaps : [],
  );
});

it('is watched by Prometheus where that is wanted', () => {
  expect(objects().some(({ kind }) => kind === 'PodMonitor')).toBe(false);
  const monitors = objects({
    metrics: { podMonitor: { create: true, labels: { release: 'prometheus' } } },
  }).filter(({ kind }) => kind === 'PodMonitor');
  expect(monitors.map((m) => m.metadata.labels?.['release'])).toEqual(['prometheus', 'prometheus']);
});
