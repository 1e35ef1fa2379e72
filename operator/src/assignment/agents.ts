/**
 * Which nodes have an agent, by the leases that agents renew while they run (docs/adr/0030). When a lease was renewed is judged by
 * the clock of the one who sees it change, so that clocks of nodes need not agree.
 */
import { lease as leases } from '@dynamo-snapshot/api/names';
import type { Clock, Instant } from '@dynamo-snapshot/api/time';
import type { Change } from '@dynamo-snapshot/controller/informer';

/** absent: there is none, or it has left in good order. silent: it has not been heard of for too long. */
export type AgentState = 'alive' | 'silent' | 'absent';

export interface AgentLease {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec?: { readonly holderIdentity?: string; readonly renewTime?: string };
}

/** Agents renew every 10 s. */
export const SILENT_AFTER_MS = 40_000;
/** What was written longer ago than clocks can be apart was not written just now. */
const SKEW_MS = 60_000;

export interface KnownAgents {
  state(node: string): AgentState;
  /** Milliseconds since it was heard of last; infinite where there is none. */
  silence(node: string): number;
  /** Nodes with a living agent, in the order of their names. */
  alive(): readonly string[];
}

export class Agents implements KnownAgents {
  readonly #clock: Clock;
  readonly #heard = new Map<string, { readonly renewTime: string; readonly at: Instant }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The node whose agent has been heard of. */
  see(change: Change, { metadata, spec }: AgentLease): string {
    const node = metadata?.name?.slice(leases.agentPrefix.length) ?? '';
    const renewTime = spec?.renewTime ?? '';
    if (change === 'DELETED') this.#heard.delete(node);
    else if (this.#heard.get(node)?.renewTime !== renewTime)
      this.#heard.set(node, { renewTime, at: this.#heardAt(node, renewTime) });
    return node;
  }

  state(node: string): AgentState {
    if (!this.#heard.has(node)) return 'absent';
    return this.silence(node) > SILENT_AFTER_MS ? 'silent' : 'alive';
  }

  silence(node: string): number {
    const heard = this.#heard.get(node);
    return heard === undefined ? Infinity : this.#clock.now() - heard.at;
  }

  alive(): readonly string[] {
    return [...this.#heard.keys()].filter((node) => this.state(node) === 'alive').sort();
  }

  get nodes(): readonly string[] {
    return [...this.#heard.keys()];
  }

  #heardAt(node: string, renewTime: string): Instant {
    const now = this.#clock.now();
    const written = Date.parse(renewTime);
    const isOld = !this.#heard.has(node) && now - written > SKEW_MS;
    return isOld ? written : now;
  }
}
