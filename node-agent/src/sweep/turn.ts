/**
 * Whose turn it is to sweep: one agent at a time, and none soon after another, by one lease. Not an election: nothing is renewed
 * while nobody sweeps, and a thousand agents ask once in a period each.
 */
import { lease } from '@dynamo-snapshot/api/names';
import type { Clock } from '@dynamo-snapshot/api/time';
import type { Api } from '@dynamo-snapshot/controller/api';
import { statusOf } from '@dynamo-snapshot/controller/api';
import { leaseRef, microTime } from '@dynamo-snapshot/controller/lease';

/** An agent that says nothing for so long has died at it. Longer than the removal of one artifact takes. */
const DURATION_SECONDS = 1800;
const CONFLICT = 409;

interface LeaseObject {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec?: { readonly holderIdentity?: string; readonly renewTime?: string };
}

export interface TurnParts {
  readonly api: Pick<Api, 'get' | 'create' | 'patch'>;
  /** Of the lease. */
  readonly namespace: string;
  readonly holder: string;
  readonly clock: Clock;
  readonly everyMs: number;
}

export class Turn {
  readonly #parts: TurnParts;
  constructor(parts: TurnParts) {
    this.#parts = parts;
  }

  /** False where another agent is at it, or has just been. */
  async take(): Promise<boolean> {
    const found = await this.#found();
    if (found === undefined) return this.#parts.api.create(this.#ref, this.#lease(this.#parts.holder));
    const { holderIdentity, renewTime } = found.spec ?? {};
    const age = this.#parts.clock.now() - Date.parse(renewTime ?? '1970-01-01T00:00:00Z');
    // Its clock is ahead of ours: somebody was at it just now.
    const taken = holderIdentity ? age < DURATION_SECONDS * 1000 : age < this.#parts.everyMs;
    return taken ? false : this.#write(found, this.#parts.holder);
  }

  /** Before each thing that cannot be taken back. False where the turn is lost. */
  async keep(): Promise<boolean> {
    const found = await this.#found();
    return found?.spec?.holderIdentity === this.#parts.holder && this.#write(found, this.#parts.holder);
  }

  async end(): Promise<void> {
    const found = await this.#found();
    if (found?.spec?.holderIdentity === this.#parts.holder) await this.#write(found, '');
  }

  get #ref() {
    return leaseRef(this.#parts.namespace, lease.sweep);
  }

  #found(): Promise<LeaseObject | undefined> {
    return this.#parts.api.get<LeaseObject>(this.#ref);
  }

  async #write({ metadata: { resourceVersion } }: LeaseObject, holder: string): Promise<boolean> {
    try {
      const { spec } = this.#lease(holder);
      await this.#parts.api.patch(this.#ref, { metadata: { resourceVersion }, spec });
      return true;
    } catch (error) {
      if (statusOf(error) === CONFLICT) return false;
      throw error;
    }
  }

  #lease(holderIdentity: string) {
    const { group, version, name, namespace } = this.#ref;
    return {
      apiVersion: `${group}/${version}`,
      kind: 'Lease',
      metadata: { name, namespace },
      spec: {
        holderIdentity,
        renewTime: microTime(this.#parts.clock.now()),
        leaseDurationSeconds: DURATION_SECONDS,
      },
    };
  }
}
