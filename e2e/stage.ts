/** Brings everything up that a scenario or the demo starts from: cluster, images, volume, chart. Every step is said, none is repeated in vain. */
import { imageValues, install, NAMESPACE, prepareNamespace, RELEASE } from './chart';
import type { Cluster } from './cluster/cluster';
import { up } from './cluster/cluster';
import { buildImages } from './images';
import { Kube } from './kube';
import type { WorldFile } from './world';

export type Say = (line: string) => void;

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
    cluster: name,
    kubectl: cluster.kubectl,
    helm: cluster.helm,
    values: imageValues(images.version),
    kubeconfig: cluster.kubeconfig,
    namespace: NAMESPACE,
    nodes: [nodeA.name, nodeB.name],
    sharedDir: cluster.sharedDir,
  };
  const kube = new Kube(world);
  await prepareNamespace(kube, NAMESPACE, cluster.sharedDir);
  say('installing the chart with helm');
  await install({ helm: cluster.helm, kube, name: RELEASE, namespace: NAMESPACE }, world.values);
  return { cluster, world, kube };
}
