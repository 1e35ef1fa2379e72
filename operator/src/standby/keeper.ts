/** Keeps the ConfigMaps of each namespace as they shall be. */
import type { Clock, Instant } from '@dynamo-snapshot/api/time';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { Outcome } from '@dynamo-snapshot/controller/queue';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Caches } from '../parts';
import { apply, orLater } from './apply';
import { ConfigMaps } from './config-maps';
import { decide } from './decide';
import { observe } from './observe';
import type { Program } from './program';

/** Longer than a rolling upgrade has replicas of two versions: what a pod mounts that the older one admits, we could not make again. */
const OTHERS_STAY_MS = 600_000;

export class StandbyKeeper {
  readonly #maps: ConfigMaps;
  readonly #clock: Clock;
  readonly #program: Program;
  readonly #log: Log;
  /** Namespaces in which there is none of another version; nobody makes one there while we lead. */
  readonly #clear = new Set<string>();
  #begun: Instant = 0;

  constructor(kube: KubeConfig, program: Program, log: Log, clock: Clock) {
    this.#clock = clock;
    this.#maps = new ConfigMaps(kube);
    this.#program = program;
    this.#log = log;
  }

  /** With each term anew: another operator, of another version, may have led meanwhile. */
  begin(): void {
    this.#clear.clear();
    this.#begun = this.#clock.now();
  }

  reconcile(namespace: string, caches: Caches): Promise<Outcome | undefined> {
    const where = { namespace, program: this.#program, maps: this.#maps, log: this.#log };
    return orLater(async () => {
      const others = !this.#clear.has(namespace);
      const othersStayMs = this.#begun + OTHERS_STAY_MS - this.#clock.now();
      const look = { namespace, program: this.#program, others, othersStayMs };
      const seen = await observe(look, caches, this.#maps);
      const outcome = await apply(decide(seen), where);
      if (![...seen.found.keys()].some((name) => name !== this.#program.name)) this.#clear.add(namespace);
      return outcome;
    }, where);
  }
}
