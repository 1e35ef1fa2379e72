/**
 * Which nodes have an agent, by the agents' own pods (docs/adr/0030): a kubelet asks its agent whether it is ready, and where a kubelet
 * says nothing the node controller takes it back, so that nobody writes anything while nothing happens. Since when a pod is not Ready
 * is judged by the clock of the one who sees it change, so that clocks of nodes need not agree.
 */
import type { Clock, Instant } from '@dynamo-snapshot/api/time';
import type { Change } from '@dynamo-snapshot/controller/watched';
import type { V1Pod } from '@kubernetes/client-node';
import { isLeaving, isOver, isReady, readiness } from '../pod';

/** alive: a pod of it is Ready. silent: there is one, but it is not Ready, or it leaves. absent: there is none. */
export type AgentState = 'alive' | 'silent' | 'absent';

/** What was written longer ago than clocks can be apart was not written just now. */
const SKEW_MS = 60_000;

export interface KnownAgents {
  state(node: string): AgentState;
  /** Milliseconds for which it has been silent; infinite where there is none. */
  silence(node: string): number;
  /** Nodes with a living agent, in the order of their names. */
  alive(): readonly string[];
}

interface Seen {
  readonly answers: boolean;
  /** Since when it does or does not. */
  readonly since: Instant;
}

export class Agents implements KnownAgents {
  readonly #clock: Clock;
  /** By node and UID of the pod: while they are replaced a node has several, and the best one counts. */
  readonly #seen = new Map<string, Map<string, Seen>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The node, where the state of its agent is another one now. */
  see(change: Change, pod: V1Pod): string | undefined {
    const node = pod.spec?.nodeName;
    if (node === undefined) return undefined;
    const before = this.state(node);
    if (change === 'DELETED' || isOver(pod)) this.#forget(node, pod);
    else this.#remember(node, pod);
    return this.state(node) === before ? undefined : node;
  }

  state(node: string): AgentState {
    const pods = this.#of(node);
    if (pods.length === 0) return 'absent';
    return pods.some(({ answers }) => answers) ? 'alive' : 'silent';
  }

  silence(node: string): number {
    if (this.state(node) === 'alive') return 0;
    return Math.min(...this.#of(node).map(({ since }) => this.#clock.now() - since));
  }

  alive(): readonly string[] {
    return this.nodes.filter((node) => this.state(node) === 'alive').sort();
  }

  get nodes(): readonly string[] {
    return [...this.#seen.keys()];
  }

  #of(node: string): readonly Seen[] {
    return [...(this.#seen.get(node)?.values() ?? [])];
  }

  #remember(node: string, pod: V1Pod): void {
    const pods = this.#seen.get(node) ?? new Map<string, Seen>();
    this.#seen.set(node, pods);
    const known = pods.get(uidOf(pod));
    const answers = isReady(pod) && !isLeaving(pod);
    if (known?.answers === answers) return;
    pods.set(uidOf(pod), { answers, since: known === undefined ? this.#sinceOf(pod) : this.#clock.now() });
  }

  #forget(node: string, pod: V1Pod): void {
    const pods = this.#seen.get(node);
    pods?.delete(uidOf(pod));
    if (pods?.size === 0) this.#seen.delete(node);
  }

  /** Of a pod that is seen for the first time: it may have been so for long. */
  #sinceOf(pod: V1Pod): Instant {
    const now = this.#clock.now();
    const written = changedAt(pod);
    return now - written > SKEW_MS ? written : now;
  }
}

const uidOf = ({ metadata }: V1Pod): string => metadata?.uid ?? '';

/** When it began to be or not to be Ready, or to leave. Not a number where nobody has said it. */
function changedAt(pod: V1Pod): Instant {
  const { deletionTimestamp, creationTimestamp } = pod.metadata ?? {};
  const leaves = isReady(pod) ? deletionTimestamp : undefined;
  // A list gives a Date, a watch the text.
  return new Date(leaves ?? readiness(pod)?.lastTransitionTime ?? creationTimestamp ?? Number.NaN).getTime();
}
