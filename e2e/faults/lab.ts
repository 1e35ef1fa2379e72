/** What the faults and the invariants work with: one cluster of our own, and the pods and checkpoints of a case. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster';
import { up } from '../cluster/cluster';
import { poll } from '../cluster/poll';
import { isRunning, onlyChild, signalProcess } from '../cluster/process';
import type { MemberName } from '../cluster/instance';
import { readState } from '../cluster/state';
import { lease } from '@dynamo-snapshot/api/names';
import type { Kube } from '../kube';
import type { PodStatus } from '../world';
import { conditionOf } from '../world';
import type { Before } from './leftovers';
import type { FaultNode } from './node';
import type { Reader } from './reader';

export interface Lab {
  readonly cluster: Cluster;
  readonly kube: Kube;
  readonly reader: Reader;
  /** Sources run on the first, placeholders on the second. */
  readonly nodes: readonly [FaultNode, FaultNode];
  /** Mounts of the nodes before the first case, in the order of the nodes. */
  readonly before: readonly Before[];
  readonly say: (line: string) => void;
}

export interface AssignmentObject {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly operation: string; readonly cancelled?: boolean };
  readonly status?: { readonly phase?: string; readonly reason?: string; readonly message?: string };
}

export const COMPONENT = 'app.kubernetes.io/component';

/** Asks the API server until it answers: a fault may have taken it away. */
export async function asked<T>(ask: () => Promise<T>, seconds = 60): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > end) throw error;
      await delay(500);
    }
  }
}

export const becomes = (claim: () => Promise<boolean>, seconds: number): Promise<boolean> =>
  poll(() => claim().catch(() => false), { limitMs: seconds * 1000, everyMs: 200 });

export async function podOf(
  { reader }: Pick<Lab, 'reader'>,
  component: string,
  node?: string,
): Promise<string> {
  const pods = await reader.list<PodStatus & Leaving>('pods', `${COMPONENT}=${component}`);
  const pod = pods.find(
    (p) => p.metadata.deletionTimestamp === undefined && (node === undefined || p.spec.nodeName === node),
  );
  if (pod === undefined)
    throw new Error(`there is no ${component} pod${node === undefined ? '' : ` on ${node}`}`);
  return pod.metadata.name;
}

/** The kubelet's next look at its containers, and a busy node. */
const TOLD = { limitMs: 10_000, everyMs: 100 };

/** An operation may have begun before the kubelet has told of the container. */
export async function containerOf(
  lab: Pick<Lab, 'reader'>,
  pod: string,
  container?: string,
): Promise<string> {
  let id: string | undefined;
  const look = async () => (id = await containerTold(lab, pod, container)) !== undefined;
  if (!(await poll(look, TOLD)) || id === undefined)
    throw new Error(`the kubelet tells of no container of pod ${pod}`);
  return id;
}

/** As the kubelet has told it by now. */
export async function containerTold(
  { reader }: Pick<Lab, 'reader'>,
  pod: string,
  container?: string,
): Promise<string | undefined> {
  const found = (await reader.get<PodStatus>('pods', pod))?.status.containerStatuses?.find(
    (c) => container === undefined || c.name === container,
  );
  return found?.containerID?.replace(/^containerd:\/\//, '') || undefined;
}

/** The first process of a pod's container, for the node that it runs on. */
export async function mainProcess(lab: Lab, node: FaultNode, pod: string) {
  const [main] = await node.containerProcesses(await containerOf(lab, pod));
  if (main === undefined) throw new Error(`pod ${pod} has no process on ${node.name}`);
  return main;
}

/**
 * A daemon of the cluster itself; `revive` starts what is missing. The wrapper is what the cluster's state knows: as long as that has not
 * ended too, nothing would be missing.
 */
export async function killDaemon(
  { cluster }: Pick<Lab, 'cluster'>,
  member: MemberName,
  daemon: string,
): Promise<void> {
  const wrapper = (await readState(cluster.name))?.members[member]?.daemons[daemon];
  const process = wrapper === undefined ? undefined : await onlyChild(wrapper);
  if (!(await signalProcess(process, 'SIGKILL'))) throw new Error(`${daemon} of ${member} does not run`);
  if (!(await becomes(async () => !(await isRunning(wrapper)), 10)))
    throw new Error(`${daemon} of ${member} was killed, and what waits for it does not end`);
}

export const revive = async ({ cluster }: Pick<Lab, 'cluster'>): Promise<void> =>
  void (await up(cluster.name, () => {}));

/** The operator that works, and its node. */
export async function leader(lab: Lab): Promise<{ readonly pod: string; readonly node: FaultNode }> {
  const held = await lab.reader.get<{ spec: { holderIdentity?: string } }>('leases', lease.operator);
  const pod = held?.spec.holderIdentity?.replace(/_.*$/, '') ?? '';
  const found = await lab.reader.get<PodStatus>('pods', pod);
  const node = lab.nodes.find(({ name }) => name === found?.spec.nodeName);
  if (node === undefined) throw new Error(`the leading operator ${pod} is on no node of ours`);
  return { pod, node };
}

/** An agent on each of two nodes, and two operators. */
const PODS = 4;
const SERVE_SECONDS = 100;

/** Agents and operators serve again. Those that were killed are replaced: the kubelet lets a container that ends often wait ever longer. */
export async function settled({ kube, reader }: Lab): Promise<void> {
  const replaced = new Set<string>();
  const serve = async () => {
    const pods = await reader.list<PodStatus & Leaving>('pods', `${COMPONENT} in (agent,operator)`);
    const killed = pods.filter(
      ({ metadata, status }) =>
        !replaced.has(metadata.name) && status.containerStatuses?.some((c) => c.restartCount > 0),
    );
    for (const { metadata } of killed) {
      await kube.run(['delete', 'pod', metadata.name, '--wait=false']);
      replaced.add(metadata.name);
    }
    return pods.length === PODS && killed.length === 0 && pods.every(serves);
  };
  if (!(await becomes(serve, SERVE_SECONDS)))
    throw new Error(`agents and operators do not all serve again after ${SERVE_SECONDS} s`);
}

interface Leaving {
  readonly metadata: { readonly deletionTimestamp?: string };
}

const serves = (pod: PodStatus & Leaving): boolean =>
  pod.metadata.deletionTimestamp === undefined && conditionOf(pod, 'Ready')?.status === 'True';
