import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { API_PORT, SERVICE_SUBNET, memberAddress, memberDir, stateDir } from './instance';
import type { Instance } from './instance';
import { pkiDir } from './pki';
import type { Argv } from './run';

/** A program that runs as long as the cluster does. */
export interface Daemon {
  readonly name: string;
  readonly argv: Argv;
}

export const userKubeconfig = (name: string, user: string): string =>
  join(pkiDir(name), `${user}.kubeconfig`);
const CONTROL_PLANE_USERS = ['kube-controller-manager', 'kube-scheduler'] as const;
export const KUBECONFIG_USERS: readonly string[] = [...CONTROL_PLANE_USERS, 'kube-proxy', 'node-a', 'node-b'];

/** One line of JSON for every write by a service account: what our programs change, and what they do not, is read there. */
export const auditLog = (name: string): string => join(memberDir(name, 'cp'), 'audit.log');

const auditPolicyFile = (name: string): string => join(memberDir(name, 'cp'), 'etc', 'audit-policy.json');

export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    {
      level: 'Metadata',
      userGroups: ['system:serviceaccounts'],
      verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
    },
    { level: 'None' },
  ],
} as const;

/** Writes the configuration files of the control plane. */
export async function configureControlPlane({ name }: Instance): Promise<void> {
  await mkdir(join(auditPolicyFile(name), '..'), { recursive: true });
  await writeFile(auditPolicyFile(name), JSON.stringify(auditPolicy));
}

const ETCD_URL = 'http://127.0.0.1:2379';

const etcd = (instance: Instance): Daemon => ({
  name: 'etcd',
  argv: [
    'etcd',
    `--data-dir=${join(memberDir(instance.name, 'cp'), 'etcd')}`,
    `--listen-client-urls=${ETCD_URL}`,
    `--advertise-client-urls=${ETCD_URL}`,
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--unsafe-no-fsync', // the data ends with the cluster
  ],
});

function apiServer(instance: Instance, hyperkube: string): Daemon {
  const pki = (file: string): string => join(pkiDir(instance.name), file);
  return {
    name: 'kube-apiserver',
    argv: [
      hyperkube,
      'kube-apiserver',
      `--etcd-servers=${ETCD_URL}`,
      '--bind-address=0.0.0.0',
      `--secure-port=${API_PORT}`,
      `--advertise-address=${memberAddress(instance, 'cp')}`,
      `--service-cluster-ip-range=${SERVICE_SUBNET}`,
      `--tls-cert-file=${pki('apiserver.crt')}`,
      `--tls-private-key-file=${pki('apiserver.key')}`,
      `--client-ca-file=${pki('ca.crt')}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--allow-privileged=true',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${pki('service-accounts.pub')}`,
      `--service-account-signing-key-file=${pki('service-accounts.key')}`,
      `--kubelet-certificate-authority=${pki('ca.crt')}`,
      `--kubelet-client-certificate=${pki('admin.crt')}`,
      `--kubelet-client-key=${pki('admin.key')}`,
      '--kubelet-preferred-address-types=InternalIP', // the nodes' names are in no DNS
      // No kube-proxy beside the control plane: webhooks are called at their pods' addresses.
      '--enable-aggregator-routing=true',
      `--audit-policy-file=${auditPolicyFile(instance.name)}`,
      `--audit-log-path=${auditLog(instance.name)}`,
      '--profiling=false',
    ],
  };
}

function controllerManager(instance: Instance, hyperkube: string): Daemon {
  const config = userKubeconfig(instance.name, 'kube-controller-manager');
  const pki = (file: string): string => join(pkiDir(instance.name), file);
  return {
    name: 'kube-controller-manager',
    argv: [
      hyperkube,
      'kube-controller-manager',
      `--kubeconfig=${config}`,
      `--authentication-kubeconfig=${config}`,
      `--authorization-kubeconfig=${config}`,
      '--use-service-account-credentials=true',
      `--service-account-private-key-file=${pki('service-accounts.key')}`,
      `--root-ca-file=${pki('ca.crt')}`,
      `--cluster-signing-cert-file=${pki('ca.crt')}`,
      `--cluster-signing-key-file=${pki('ca.key')}`,
      '--leader-elect=false',
      '--profiling=false',
    ],
  };
}

function scheduler(instance: Instance, hyperkube: string): Daemon {
  const config = userKubeconfig(instance.name, 'kube-scheduler');
  return {
    name: 'kube-scheduler',
    argv: [
      hyperkube,
      'kube-scheduler',
      `--kubeconfig=${config}`,
      `--authentication-kubeconfig=${config}`,
      `--authorization-kubeconfig=${config}`,
      '--leader-elect=false',
      '--profiling=false',
    ],
  };
}

/** The control plane's daemons in the order of their start. */
export const controlPlaneDaemons = (instance: Instance, hyperkube: string): readonly Daemon[] => [
  etcd(instance),
  apiServer(instance, hyperkube),
  controllerManager(instance, hyperkube),
  scheduler(instance, hyperkube),
];

/** Where the control plane writes; for a person who looks for it. */
export const controlPlaneDir = (name: string): string => join(stateDir(name), 'cp');
