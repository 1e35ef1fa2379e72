/** Our chart, installed with helm as a person does it, and the volume that its store needs. */
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Finished, Kube } from './kube';

/** The release that the scenarios share, and its namespace. */
export const RELEASE = 'snapshot';
export const NAMESPACE = 'dynamo';
/** What the chart calls the objects of that release. */
export const FULL_NAME = 'snapshot-dynamo-snapshot';

/** Where the cluster tool shows the shared folder on each node. */
const SHARED_ON_NODE = '/var/lib/dynamo-snapshot-shared';

export interface Release {
  readonly helm: string;
  readonly kube: Kube;
  readonly name: string;
  readonly namespace: string;
}

/** The values of every release in the tests: the images as they were loaded. A changed image rolls the pods by the annotation. */
export const imageValues = (version: string): readonly string[] => [
  'storage.pvc.size=100Gi',
  'image.operator.repository=docker.io/dynamo-snapshot/operator',
  'image.agent.repository=docker.io/dynamo-snapshot/agent',
  'image.operator.pullPolicy=IfNotPresent',
  'image.agent.pullPolicy=IfNotPresent',
  `podAnnotations.images=${version}`,
];

/** Runs helm for the release; never throws for an exit code. */
export const helm = (release: Release, args: readonly string[]): Promise<Finished> =>
  new Promise((resolve) => {
    execFile(
      release.helm,
      [...args, '--namespace', release.namespace],
      { env: release.kube.env, maxBuffer: 16 << 20 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 124;
        resolve({ code, stdout, stderr });
      },
    );
  });

/** `helm upgrade --install`, without a wait where the outcome is what a test looks at. */
export const upgrade = (release: Release, values: readonly string[], wait = true): Promise<Finished> =>
  helm(release, [
    'upgrade',
    '--install',
    release.name,
    'charts/dynamo-snapshot',
    ...values.flatMap((value) => ['--set', value]),
    ...(wait ? ['--wait'] : []),
    ...['--timeout', '3m'],
  ]);

export async function install(release: Release, values: readonly string[]): Promise<void> {
  const { code, stderr } = await upgrade(release, values);
  if (code === 0) return;
  const { kube, namespace } = release;
  const pods = await kube.try(['get', 'pods', '-o', 'wide', '-n', namespace]);
  const events = await kube.try(['get', 'events', '--sort-by=.lastTimestamp', '-n', namespace]);
  const last = events.stdout.split('\n').slice(-15).join('\n');
  throw new Error(`helm upgrade --install ${release.name}: ${stderr}\n${pods.stdout}\n${last}`);
}

/** A namespace that admits the agents, with a volume of its own below the folder that both nodes share. */
export async function prepareNamespace(kube: Kube, namespace: string, sharedDir: string): Promise<void> {
  mkdirSync(join(sharedDir, folderOf(namespace)), { recursive: true });
  const labels = { 'pod-security.kubernetes.io/enforce': 'privileged' };
  await kube.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } });
  await kube.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: volumeOf(namespace) },
    spec: {
      capacity: { storage: '100Gi' },
      accessModes: ['ReadWriteMany'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: '',
      hostPath: { path: join(SHARED_ON_NODE, folderOf(namespace)), type: 'Directory' },
      claimRef: { namespace, name: 'snapshot-pvc' },
    },
  });
}

/** The scenarios look into the store of the main release, which has the whole folder. */
const folderOf = (namespace: string): string => (namespace === NAMESPACE ? '' : `.${namespace}`);
export const volumeOf = (namespace: string): string => `dynamo-snapshot-shared-${namespace}`;
