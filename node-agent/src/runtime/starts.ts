/**
 * The first container of a pod, from the moment when the runtime starts it: the kubelet says so only after its next look at all
 * containers, up to a second later (its relist period).
 */
import type { ContainerId } from '../linux/ids';
import { containerId } from '../linux/ids';
import { Cri } from './cri';
import type { ListedContainer } from './facts';
import { containerState } from './facts';
import { GrpcService } from './grpc';

export interface StartedContainer {
  readonly id: ContainerId;
  /** The pod's addresses, as the runtime has given them to it. */
  readonly ips: readonly string[];
}

/** near: the pod has its sandbox, or other containers. over: it has run already, and has ended or is not the first any more. */
export type First = 'not yet' | 'near' | 'about to' | 'over' | StartedContainer;

/** Of all containers of a pod; pure. */
export function firstOf(
  containers: readonly ListedContainer[],
  name: string,
): Exclude<First, object> | ListedContainer {
  const named = containers.filter(({ metadata }) => metadata?.name === name);
  const [latest] = named.sort((a, b) => attempt(b) - attempt(a));
  if (latest === undefined) return containers.length === 0 ? 'not yet' : 'near';
  if (attempt(latest) > 0) return 'over';
  if (latest.state === containerState.created) return 'about to';
  return latest.state === containerState.running ? latest : 'over';
}

const attempt = ({ metadata }: ListedContainer): number => metadata?.attempt ?? 0;

/** `endpoint` is the runtime's CRI socket. */
export async function firstContainer(endpoint: string, podUid: string, name: string): Promise<First> {
  const cri = new Cri(endpoint);
  try {
    const first = firstOf(await cri.containersOf(podUid), name);
    if (first === 'not yet') return (await cri.hasSandbox(podUid)) ? 'near' : first;
    if (typeof first === 'string') return first;
    return { id: containerId(first.id), ips: await cri.podIps(first.pod_sandbox_id) };
  } finally {
    cri.close();
  }
}

/** api/services/events/v1 of containerd; on the same socket as CRI. */
const proto = `
syntax = "proto3";
package containerd.services.events.v1;
message SubscribeRequest { repeated string filters = 1; }
`;
/** CRI's containers are in this namespace of containerd. */
const NAMESPACE = 'k8s.io';
/**
 * A sandbox is a container that starts too. CRI lists it a moment after that; where the look came too early, the next event is that of a
 * container of the pod that is made.
 */
const FILTERS = ['/containers/create', '/tasks/start'].map(
  (topic) => `namespace==${NAMESPACE},topic=="${topic}"`,
);

/**
 * Calls `told` whenever a container is made or starts. A runtime that has no such service ends it at once: who waits must look by himself as well.
 * Returns what ends it.
 */
export function followStarts(endpoint: string, told: () => void, ended: (error: Error) => void): () => void {
  const events = new GrpcService(endpoint, proto, 'containerd.services.events.v1.Events');
  const headers = { 'containerd-namespace': NAMESPACE };
  const end = (error: Error) => {
    events.close();
    ended(error);
  };
  const stop = events.follow('Subscribe', { filters: FILTERS }, headers, { answer: told, end });
  return () => {
    stop();
    events.close();
  };
}
