import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Daemon } from './control-plane';
import { userKubeconfig } from './control-plane';
import { memberAddress, memberDir, podSubnet } from './instance';
import type { Instance, NodeName } from './instance';
import { pkiDir } from './pki';

export const PAUSE_IMAGE = 'dynamo-snapshot.invalid/pause:1';

const configFile = (instance: Instance, node: NodeName, file: string): string =>
  join(memberDir(instance.name, node), 'etc', file);

/** containerd at its standard paths; images come from archives, so no registry is set up. */
/** Where Debian's package has the network plugins, and where their configuration is. */
export const CNI_FOLDERS = { programs: '/usr/lib/cni', config: '/etc/cni/net.d' } as const;

export function containerdConfig(cni: { readonly programs: string; readonly config: string }): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]

[${cri}]
sandbox_image = "${PAUSE_IMAGE}"
# Lowering a score needs CAP_SYS_RESOURCE, which not every machine gives to root.
restrict_oom_score_adj = true
disable_apparmor = true
disable_tcp_service = true

[${cri}.cni]
bin_dir = "${cni.programs}"
conf_dir = "${cni.config}"

[${cri}.containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[${cri}.containerd.runtimes.runc.options]
SystemdCgroup = false
`;
}

/** A bridge per node. Pods of the other node are reached through the node's routes. */
export function cniConfig(instance: Instance, node: NodeName): string {
  const ipam = { type: 'host-local', subnet: podSubnet(instance, node), routes: [{ dst: '0.0.0.0/0' }] };
  const config = {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      { type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: false, hairpinMode: true, ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

export function kubeletConfig(instance: Instance, node: NodeName): string {
  const pki = (file: string): string => join(pkiDir(instance.name), file);
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: pki('ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: pki(`${node}.crt`),
    tlsPrivateKeyFile: pki(`${node}.key`),
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    resolvConf: configFile(instance, node, 'resolv.conf'),
    cgroupDriver: 'cgroupfs',
    cgroupRoot: '/', // of the node's cgroup namespace
    failCgroupV1: false,
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    oomScoreAdj: 0,
    imageGCHighThresholdPercent: 100, // images come from archives: a collected one would not come back
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '1%',
      'nodefs.inodesFree': '1%',
      'imagefs.available': '1%',
    },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Writes the configuration files of a node. */
export async function configureNode(instance: Instance, node: NodeName): Promise<void> {
  const etc = configFile(instance, node, '.');
  const cni = join(memberDir(instance.name, node), 'root', 'etc/cni/net.d');
  for (const dir of [etc, cni]) await mkdir(dir, { recursive: true });
  await writeFile(configFile(instance, node, 'containerd.toml'), containerdConfig(CNI_FOLDERS));
  await writeFile(configFile(instance, node, 'kubelet.json'), kubeletConfig(instance, node));
  await writeFile(join(cni, '10-pods.conflist'), cniConfig(instance, node));
  // On machines with systemd it is a link into /run, which the node does not see.
  await copyFile('/etc/resolv.conf', configFile(instance, node, 'resolv.conf')).catch(() =>
    writeFile(configFile(instance, node, 'resolv.conf'), ''),
  );
}

export const containerd = (instance: Instance, node: NodeName): Daemon => ({
  name: 'containerd',
  argv: ['containerd', '--config', configFile(instance, node, 'containerd.toml')],
});

export const kubelet = (instance: Instance, node: NodeName, hyperkube: string): Daemon => ({
  name: 'kubelet',
  argv: [
    hyperkube,
    'kubelet',
    `--config=${configFile(instance, node, 'kubelet.json')}`,
    `--kubeconfig=${userKubeconfig(instance.name, node)}`,
    `--hostname-override=${node}`,
    `--node-ip=${memberAddress(instance, node)}`,
  ],
});

export const kubeProxy = (instance: Instance, node: NodeName, hyperkube: string): Daemon => ({
  name: 'kube-proxy',
  argv: [
    hyperkube,
    'kube-proxy',
    `--kubeconfig=${userKubeconfig(instance.name, 'kube-proxy')}`,
    `--hostname-override=${node}`,
    '--proxy-mode=iptables',
    `--cluster-cidr=${podSubnet(instance, node)}`,
    // Connection-tracking limits belong to the machine, not to the node's namespace.
    '--conntrack-max-per-core=0',
    '--conntrack-min=0',
    '--conntrack-tcp-timeout-established=0',
    '--conntrack-tcp-timeout-close-wait=0',
  ],
});
