import { controlPlaneDaemons } from '../control-plane';
import { NODE_NAMES } from '../instance';
import { memberPlan, ownedLinks, bridgePlan, hostRoutes } from '../network';
import { CNI_FOLDERS, cniConfig, containerdConfig, kubeProxy, kubelet, kubeletConfig } from '../node';
import { certificateArgv, certificates, kubeconfig } from '../pki';

const instance = { name: 'dev', index: 3 };
const init = { pid: 99, startTime: '1' };

describe('the network', () => {
  const text = (plan: readonly (readonly string[])[]): readonly string[] =>
    plan.map((argv) => argv.join(' '));

  it('has a bridge on the machine that says whose it is', () => {
    expect(text(bridgePlan(instance))).toEqual([
      'ip link add ds3 type bridge',
      'ip link set ds3 alias dynamo-snapshot cluster dev',
      'ip address add 10.210.3.1/24 dev ds3',
      'ip link set ds3 up',
    ]);
  });

  it("connects a node and shows it the way to the other node's pods", () => {
    expect(text(memberPlan(instance, 'node-a', init)).slice(0, -1)).toEqual([
      'ip link add ds3-node-a type veth peer name eth0 netns 99',
      'ip link set ds3-node-a master ds3 up',
      'nsenter --target 99 --net ip address add 10.210.3.3/24 dev eth0',
      'nsenter --target 99 --net ip link set eth0 up',
      'nsenter --target 99 --net ip route add default via 10.210.3.1',
      'nsenter --target 99 --net ip route add 10.211.7.0/24 via 10.210.3.4',
    ]);
  });

  it("gives the machine and the control plane routes to both nodes' pods", () => {
    const routes = ['10.211.6.0/24 via 10.210.3.3', '10.211.7.0/24 via 10.210.3.4'];
    expect(text(hostRoutes(instance))).toEqual(routes.map((route) => `ip route add ${route}`));
    for (const route of routes)
      expect(text(memberPlan(instance, 'cp', init))).toContain(
        `nsenter --target 99 --net ip route add ${route}`,
      );
  });

  it('keeps link names within the 15 characters that the kernel allows', () => {
    const [add] = memberPlan({ name: 'x', index: 127 }, 'node-b', init);
    expect(add?.[3]?.length).toBeLessThanOrEqual(15);
  });

  it.each([
    [
      'known by the index',
      3,
      [{ ifname: 'ds3' }, { ifname: 'ds3-cp' }, { ifname: 'ds30' }, { ifname: 'ds30-cp' }],
      ['ds3-cp', 'ds3'],
    ],
    [
      'known by the alias only',
      undefined,
      [{ ifname: 'ds5', ifalias: 'dynamo-snapshot cluster dev' }],
      ['ds5'],
    ],
    ["another cluster's", undefined, [{ ifname: 'ds5', ifalias: 'dynamo-snapshot cluster dev2' }], []],
    ['gone', 3, [{ ifname: 'eth0' }], []],
  ])('removes links that are %s', (_, index, links, owned) => {
    expect(ownedLinks('dev', index, links)).toEqual(owned);
  });
});

describe('the control plane', () => {
  const daemons = controlPlaneDaemons(instance, '/cache/hyperkube');
  const flags = (name: string): readonly string[] =>
    daemons.find((daemon) => daemon.name === name)?.argv ?? [];

  it('starts the store first and the API server second', () => {
    expect(daemons.map(({ name }) => name)).toEqual([
      'etcd',
      'kube-apiserver',
      'kube-controller-manager',
      'kube-scheduler',
    ]);
  });

  it('authorises nodes and everybody else as a real cluster does', () => {
    expect(flags('kube-apiserver')).toEqual(
      expect.arrayContaining([
        '--authorization-mode=Node,RBAC',
        '--enable-admission-plugins=NodeRestriction',
        '--advertise-address=10.210.3.2',
      ]),
    );
  });

  it('lets nobody act as administrator but the administrator', () => {
    const subjects = certificates(instance).filter(({ subject }) => subject.includes('system:masters'));
    expect(subjects.map(({ name }) => name)).toEqual(['admin']);
  });
});

describe('a node', () => {
  it.each(NODE_NAMES)('%s has a kubelet with its own identity and the default paths', (node) => {
    const config = JSON.parse(kubeletConfig(instance, node)) as Record<string, unknown>;
    expect(config).toMatchObject({
      containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
      cgroupDriver: 'cgroupfs',
      failCgroupV1: false,
      failSwapOn: false,
      makeIPTablesUtilChains: false,
      tlsCertFile: `/var/lib/dynamo-snapshot-clusters/dev/pki/${node}.crt`,
    });
    expect(config).not.toHaveProperty('podLogsDir');
    expect(kubelet(instance, node, 'h').argv).toContain(`--hostname-override=${node}`);
  });

  it('has pods in its own subnet', () => {
    const { plugins } = JSON.parse(cniConfig(instance, 'node-b')) as { plugins: unknown[] };
    expect(plugins[0]).toMatchObject({
      type: 'bridge',
      bridge: 'cni0',
      hairpinMode: true,
      ipam: { subnet: '10.211.7.0/24' },
    });
  });

  it('leaves limits of the whole machine alone', () => {
    expect(kubeProxy(instance, 'node-a', 'h').argv).toEqual(
      expect.arrayContaining([
        '--conntrack-max-per-core=0',
        '--conntrack-min=0',
        '--conntrack-tcp-timeout-established=0',
      ]),
    );
    expect(containerdConfig(CNI_FOLDERS)).toContain('restrict_oom_score_adj = true');
  });
});

describe('credentials', () => {
  it('carry the name of the node for the node authoriser', () => {
    const [certificate] = certificates(instance).filter(({ name }) => name === 'node-a');
    if (certificate === undefined) throw new Error('node-a has no certificate');
    const argv = certificateArgv('/pki', certificate);
    expect(argv).toEqual(
      expect.arrayContaining([
        '/O=system:nodes/CN=system:node:node-a',
        'subjectAltName=DNS:node-a,IP:10.210.3.3',
        '/pki/node-a.key',
      ]),
    );
  });

  it('are all in the kubeconfig', () => {
    const part = (text: string): Buffer => Buffer.from(text);
    const text = kubeconfig('x', {
      server: 'https://s',
      authority: part('ca'),
      certificate: part('crt'),
      key: part('key'),
    });
    expect(JSON.parse(text)).toMatchObject({
      'current-context': 'x',
      clusters: [{ cluster: { server: 'https://s', 'certificate-authority-data': 'Y2E=' } }],
      users: [{ user: { 'client-certificate-data': 'Y3J0', 'client-key-data': 'a2V5' } }],
    });
  });
});
