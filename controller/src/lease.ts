/**
 * Which of several replicas works: the one that holds a Lease (coordination.k8s.io/v1), renewed by optimistic writes. Clocks are not
 * compared: a lease is free when it has not changed for its duration as seen from here. Losing it ends the term, never the process;
 * the replica goes back into the race.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { explain } from '@dynamo-snapshot/api/errors';
import type { Clock } from '@dynamo-snapshot/api/time';
import type { Api, Ref } from './api';
import { statusOf } from './api';
import type { Log } from './log';

/** Times of client-go's leader election. Renewals stop being trusted before others may take over. */
const DURATION_SECONDS = 15;
const RENEW_WITHIN_MS = 10_000;
const RETRY_MS = 2000;

interface LeaseObject {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly renewTime?: string;
    readonly leaseDurationSeconds?: number;
    readonly leaseTransitions?: number;
  };
}

export interface ElectionOptions {
  readonly api: Pick<Api, 'get' | 'create' | 'patch'>;
  readonly lease: Ref;
  /** Of this process, not of its pod: a process that starts again is another one. */
  readonly identity: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly durationSeconds?: number;
  readonly renewWithinMs?: number;
  readonly retryMs?: number;
}

/** metav1.MicroTime is read with six digits, no more and no fewer. */
export const microTime = (at: number): string => new Date(at).toISOString().replace('Z', '000Z');

export const leaseRef = (namespace: string, name: string): Ref => ({
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  namespace,
  name,
});

export class Election {
  readonly #options: ElectionOptions;
  #seen = { mark: '', at: 0 };
  /** Whether this process works now. */
  leading = false;

  constructor(options: ElectionOptions) {
    this.#options = options;
  }

  /** Runs `lead` whenever this process holds the lease, until `signal`. `lead` returns when its term's signal has come. */
  async run(signal: AbortSignal, lead: (term: AbortSignal) => Promise<void>): Promise<void> {
    const { retryMs = RETRY_MS } = this.#options;
    while (!signal.aborted) {
      if ((await this.#limited(this.#attempt())) === true) await this.#term(signal, lead);
      else await pause(retryMs, signal);
    }
  }

  async #term(signal: AbortSignal, lead: (term: AbortSignal) => Promise<void>): Promise<void> {
    const { log, identity } = this.#options;
    const end = new AbortController();
    const term = AbortSignal.any([signal, end.signal]);
    log.info('leading', { identity });
    this.leading = !term.aborted;
    // Said at once: what is under way may take a while to end, and another one may lead by then.
    term.addEventListener('abort', () => (this.leading = false), { once: true });
    const renewing = this.#renew(end, term);
    try {
      await lead(term);
    } finally {
      end.abort();
      await renewing;
      if (signal.aborted) await this.#limited(this.#release());
      else log.warn('the lease is lost; back into the race', { identity });
    }
  }

  /** A call that hangs must not keep the term alive: a timer that only a renewal winds up again ends it. */
  async #renew(end: AbortController, term: AbortSignal): Promise<void> {
    const { renewWithinMs = RENEW_WITHIN_MS, retryMs = RETRY_MS } = this.#options;
    const wind = () => setTimeout(() => end.abort(), renewWithinMs);
    let timer = wind();
    while (!term.aborted) {
      await pause(retryMs, term);
      if (term.aborted) break;
      const renewed = await this.#limited(this.#attempt(), term);
      if (renewed === true) {
        clearTimeout(timer);
        timer = wind();
      } else if (renewed === 'taken') end.abort();
    }
    clearTimeout(timer);
  }

  /** False where it takes longer than a renewal may: a server that does not answer must not keep a replica out of the race. */
  #limited<T>(work: Promise<T>, signal?: AbortSignal): Promise<T | false> {
    const { renewWithinMs = RENEW_WITHIN_MS } = this.#options;
    return Promise.race([work, slept(renewWithinMs, signal)]);
  }

  /** true: the lease is ours from now on. 'taken': another one holds it. false: nobody knows. */
  async #attempt(): Promise<true | false | 'taken'> {
    const { api, lease, log, identity } = this.#options;
    try {
      const found = await api.get<LeaseObject>(lease);
      if (found === undefined) return await api.create(lease, { ...this.#body(0), kind: 'Lease' });
      if (!this.#mayHold(found)) return this.leading ? 'taken' : false;
      const transitions = found.spec?.leaseTransitions ?? 0;
      const moved = found.spec?.holderIdentity === identity ? transitions : transitions + 1;
      const { resourceVersion } = found.metadata;
      await api.patch(lease, { ...this.#body(moved), metadata: { resourceVersion } });
      return true;
    } catch (error) {
      if (statusOf(error) !== 409) log.warn(`lease ${lease.name}: ${explain(error)}`);
      return false;
    }
  }

  #mayHold({ spec = {} }: LeaseObject): boolean {
    const now = this.#options.clock.now();
    const mark = `${spec.holderIdentity ?? ''} ${spec.renewTime ?? ''}`;
    if (mark !== this.#seen.mark) this.#seen = { mark, at: now };
    if (!spec.holderIdentity || spec.holderIdentity === this.#options.identity) return true;
    return now - this.#seen.at > (spec.leaseDurationSeconds ?? DURATION_SECONDS) * 1000;
  }

  #body(leaseTransitions: number) {
    const { identity, clock, lease, durationSeconds = DURATION_SECONDS } = this.#options;
    return {
      apiVersion: `${lease.group}/${lease.version}`,
      metadata: { name: lease.name, namespace: lease.namespace },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: durationSeconds,
        renewTime: microTime(clock.now()),
        leaseTransitions,
      },
    };
  }

  /** So that the next one need not wait for it to run out. */
  async #release(): Promise<void> {
    const { api, lease, log, identity } = this.#options;
    try {
      const found = await api.get<LeaseObject>(lease);
      if (found?.spec?.holderIdentity !== identity) return;
      const { resourceVersion } = found.metadata;
      await api.patch(lease, { metadata: { resourceVersion }, spec: { holderIdentity: '' } });
    } catch (error) {
      log.warn(`release lease ${lease.name}: ${explain(error)}`);
    }
  }
}

/** Leaves no listener behind: a signal may live for weeks. */
const slept = (ms: number, signal: AbortSignal | undefined): Promise<false> =>
  sleep(ms, false as const, { signal, ref: false }).catch(() => false);

/** The time, or until the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
