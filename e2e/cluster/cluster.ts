import { takeDown } from './down';
import { loadImage } from './images';
import { NODE_NAMES, kubeconfigFile, memberAddress, podSubnet, sharedDir } from './instance';
import type { NodeName } from './instance';
import { exclusively } from './lock';
import { inMember } from './member';
import type { ProcessId } from './process';
import type { Progress } from './progress';
import { run } from './run';
import type { Argv } from './run';
import type { State } from './state';
import type { Toolchain } from './toolchain';
import { bringUp } from './up';

/** A node as the machine sees it. */
export interface ClusterNode {
  readonly name: NodeName;
  readonly address: string;
  readonly podSubnet: string;
  /** PID 1 of the node's namespaces, as the machine numbers it. */
  readonly init: ProcessId;
}

/** A running two-node cluster. Pods are reachable from the machine at their own addresses. */
export interface Cluster {
  readonly name: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** Paths of programs that fit the cluster. */
  readonly kubectl: string;
  readonly helm: string;
  readonly nodes: readonly ClusterNode[];
  /** The folder that both nodes see at SHARED_MOUNT. */
  readonly sharedDir: string;
  readonly podSubnets: readonly string[];
  /** Imports image archives (OCI or docker) into every node; those that are there already are skipped. */
  readonly loadImages: (archives: readonly string[]) => Promise<void>;
}

/** Starts the cluster, or what is missing of it; returns once both nodes are ready. */
export async function up(name: string, progress: Progress): Promise<Cluster> {
  return exclusively(name, async () => {
    const { state, tools } = await bringUp(name, progress);
    return toCluster(state, tools);
  });
}

/** Stops the cluster and removes everything of it from the machine. Nothing to do is fine. */
export async function down(name: string, progress: Progress): Promise<void> {
  await exclusively(name, () => takeDown(name, progress));
}

/** Runs a command on a node (in all of its namespaces) and returns its standard output. */
export async function inNode(node: ClusterNode, argv: Argv, limitMs = 60_000): Promise<string> {
  return run({ argv: inMember(node.init, argv), limitMs });
}

/** Throws unless the cluster's members run. */
export function toCluster(state: State, tools: Toolchain): Cluster {
  const nodes = NODE_NAMES.map((name): ClusterNode => {
    const init = state.members[name]?.init;
    if (init === undefined) throw new Error(`${name} of the cluster "${state.name}" does not run`);
    return { name, address: memberAddress(state, name), podSubnet: podSubnet(state, name), init };
  });
  const loadImages = async (archives: readonly string[]): Promise<void> => {
    for (const archive of archives) for (const node of nodes) await loadImage(node.init, archive);
  };
  return {
    name: state.name,
    kubeconfig: kubeconfigFile(state.name),
    kubectl: tools.kubectl,
    helm: tools.helm,
    nodes,
    sharedDir: sharedDir(state.name),
    podSubnets: nodes.map((node) => node.podSubnet),
    loadImages,
  };
}
