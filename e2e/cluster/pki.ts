import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { API_SERVICE_ADDRESS, NODE_NAMES, apiServerUrl, memberAddress, stateDir } from './instance';
import type { Instance, NodeName } from './instance';
import { run } from './run';
import type { Argv } from './run';

/** One certificate: file name, subject, alternative names. */
export interface Certificate {
  readonly name: string;
  readonly subject: string;
  readonly names: readonly string[];
}

export const pkiDir = (name: string): string => join(stateDir(name), 'pki');

const kubeletCertificate = (instance: Instance, node: NodeName): Certificate => ({
  name: node,
  subject: `/O=system:nodes/CN=system:node:${node}`,
  names: [`DNS:${node}`, `IP:${memberAddress(instance, node)}`],
});

/** Who talks to the API server, under the names RBAC's default bindings know. */
export function certificates(instance: Instance): readonly Certificate[] {
  const client = (name: string, subject: string): Certificate => ({ name, subject, names: [`DNS:${name}`] });
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ];
  const addresses = ['127.0.0.1', memberAddress(instance, 'cp'), API_SERVICE_ADDRESS].map(
    (address) => `IP:${address}`,
  );
  return [
    {
      name: 'apiserver',
      subject: '/CN=kube-apiserver',
      names: ['DNS:localhost', ...service.map((name) => `DNS:${name}`), ...addresses],
    },
    client('admin', '/O=system:masters/CN=admin'),
    client('kube-controller-manager', '/CN=system:kube-controller-manager'),
    client('kube-scheduler', '/CN=system:kube-scheduler'),
    client('kube-proxy', '/CN=system:kube-proxy'),
    ...NODE_NAMES.map((node) => kubeletCertificate(instance, node)),
  ];
}

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650'] as const;

export const authorityArgv = (dir: string): Argv =>
  [
    ...['openssl', 'req', '-x509', ...EC_KEY],
    ...['-keyout', join(dir, 'ca.key'), '-out', join(dir, 'ca.crt'), '-subj', '/CN=dynamo-snapshot-cluster'],
  ] as unknown as Argv;

export function certificateArgv(dir: string, certificate: Certificate): Argv {
  return [
    'openssl',
    ...['req', '-x509', ...EC_KEY, '-CA', join(dir, 'ca.crt'), '-CAkey', join(dir, 'ca.key')],
    ...['-keyout', join(dir, `${certificate.name}.key`), '-out', join(dir, `${certificate.name}.crt`)],
    ...['-subj', certificate.subject, '-addext', `subjectAltName=${certificate.names.join(',')}`],
    ...['-addext', 'extendedKeyUsage=serverAuth,clientAuth', '-addext', 'basicConstraints=critical,CA:FALSE'],
  ];
}

/** Makes the authority, the certificates and the key that signs service-account tokens. */
export async function ensurePki(instance: Instance): Promise<void> {
  const dir = pkiDir(instance.name);
  const complete = join(dir, 'service-accounts.pub');
  if (
    await access(complete).then(
      () => true,
      () => false,
    )
  )
    return;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await run({ argv: authorityArgv(dir) });
  for (const certificate of certificates(instance)) await run({ argv: certificateArgv(dir, certificate) });
  const key = join(dir, 'service-accounts.key');
  await run({ argv: ['openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key] });
  await run({ argv: ['openssl', 'ec', '-in', key, '-pubout', '-out', complete] });
}

export interface Credentials {
  readonly server: string;
  readonly authority: Buffer;
  readonly certificate: Buffer;
  readonly key: Buffer;
}

export async function readCredentials(instance: Instance, user: string): Promise<Credentials> {
  const file = (name: string): Promise<Buffer> => readFile(join(pkiDir(instance.name), name));
  const [authority, certificate, key] = await Promise.all([
    file('ca.crt'),
    file(`${user}.crt`),
    file(`${user}.key`),
  ]);
  return { server: apiServerUrl(instance), authority, certificate, key };
}

/** A kubeconfig with everything in it (JSON, which is YAML too). `context` is its only context's name. */
export function kubeconfig(context: string, credentials: Credentials): string {
  const base64 = (data: Buffer): string => data.toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': context,
    clusters: [
      {
        name: context,
        cluster: { server: credentials.server, 'certificate-authority-data': base64(credentials.authority) },
      },
    ],
    users: [
      {
        name: context,
        user: {
          'client-certificate-data': base64(credentials.certificate),
          'client-key-data': base64(credentials.key),
        },
      },
    ],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
