/** Brings everything up that a scenario or the demo starts from: cluster, images, volume, chart. Every step is said, none is repeated in vain. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Cluster } from './cluster/cluster';
import { up } from './cluster/cluster';
import { buildImages } from './images';
import { Kube } from './kube';
import type { WorldFile } from './world';

export type Say = (line: string) => void;

export const RELEASE = 'snapshot';
export const NAMESPACE = 'dynamo';
/** Where the cluster tool shows the shared folder on each node. */
const SHARED_ON_NODE = '/var/lib/dynamo-snapshot-shared';

export interface Stage {
  readonly cluster: Cluster;
  readonly world: WorldFile;
  readonly kube: Kube;
}

export async function prepare(name: string, say: Say): Promise<Stage> {
  const cluster = await up(name, say);
  const images = await buildImages(say);
  say('loading the images into both nodes');
  await cluster.loadImages(images.archives);
  const [nodeA, nodeB] = cluster.nodes;
  if (nodeA === undefined || nodeB === undefined) throw new Error(`cluster ${name} has fewer than two nodes`);
  const world: WorldFile = {
    kubectl: cluster.kubectl,
    kubeconfig: cluster.kubeconfig,
    namespace: NAMESPACE,
    nodes: [nodeA.name, nodeB.name],
    sharedDir: cluster.sharedDir,
  };
  const kube = new Kube(world);
  await prepareNamespace(kube);
  await installChart(cluster, kube, images.version, say);
  return { cluster, world, kube };
}

async function prepareNamespace(kube: Kube): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': 'privileged' };
  await kube.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } });
  await kube.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'dynamo-snapshot-shared' },
    spec: {
      capacity: { storage: '100Gi' },
      accessModes: ['ReadWriteMany'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: '',
      hostPath: { path: SHARED_ON_NODE, type: 'Directory' },
      claimRef: { namespace: NAMESPACE, name: 'snapshot-pvc' },
    },
  });
}

/** A pod template annotation with the images' content rolls the pods when only the images have changed. */
async function installChart(cluster: Cluster, kube: Kube, version: string, say: Say): Promise<void> {
  say('installing the chart with helm');
  const settings = [
    'storage.pvc.size=100Gi',
    'image.operator.repository=docker.io/dynamo-snapshot/operator',
    'image.agent.repository=docker.io/dynamo-snapshot/agent',
    'image.operator.pullPolicy=IfNotPresent',
    'image.agent.pullPolicy=IfNotPresent',
    `podAnnotations.images=${version}`,
  ].flatMap((setting) => ['--set', setting]);
  const chart = ['upgrade', '--install', RELEASE, 'charts/dynamo-snapshot', '--namespace', NAMESPACE];
  await promisify(execFile)(cluster.helm, [...chart, ...settings, '--wait', '--timeout', '3m'], {
    env: kube.env,
  }).catch(async (cause: unknown) => {
    const pods = await kube.try(['get', 'pods', '-o', 'wide']);
    const events = await kube.try(['get', 'events', '--sort-by=.lastTimestamp']);
    throw new Error(
      `helm install: ${String(cause)}\n${pods.stdout}\n${events.stdout.split('\n').slice(-15).join('\n')}`,
    );
  });
}
