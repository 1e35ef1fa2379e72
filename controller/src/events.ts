/** Kubernetes events, for the person who runs `kubectl describe`. Telling must never stop the work: failures are only logged. */
import type { KubeConfig, V1ObjectReference } from '@kubernetes/client-node';
import { CoreV1Api } from '@kubernetes/client-node';
import { explain } from '@dynamo-snapshot/api/errors';
import type { Clock } from '@dynamo-snapshot/api/time';
import type { Log } from './log';

export interface EventTarget {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

const SAME_FOR_MS = 10 * 60_000;
const REMEMBERED = 1000;
/** What etcd and the API server accept for a message (core/v1 validation). */
const LONGEST_MESSAGE = 1024;

export class EventRecorder {
  readonly #core: CoreV1Api;
  readonly #component: string;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #told = new Map<string, number>();

  constructor(config: KubeConfig, component: string, log: Log, clock: Clock) {
    this.#core = config.makeApiClient(CoreV1Api);
    this.#component = component;
    this.#log = log;
    this.#clock = clock;
  }

  /** The same thing about the same object is told once in ten minutes. */
  async event(
    target: EventTarget,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): Promise<void> {
    const key = JSON.stringify([target.uid, reason, message]);
    const now = this.#clock.now();
    if (now - (this.#told.get(key) ?? -Infinity) < SAME_FOR_MS) return;
    if (this.#told.size >= REMEMBERED) this.#told.clear();
    this.#told.set(key, now);
    try {
      await this.#core.createNamespacedEvent({
        namespace: target.namespace,
        body: this.#body(target, type, reason, message),
      });
    } catch (error) {
      this.#told.delete(key);
      this.#log.warn(`event ${reason} of ${target.kind} ${target.name}: ${explain(error)}`);
    }
  }

  #body(target: EventTarget, type: string, reason: string, message: string) {
    const at = new Date(this.#clock.now());
    return {
      metadata: { generateName: `${target.name.slice(0, 200)}-`, namespace: target.namespace },
      involvedObject: target satisfies V1ObjectReference,
      type,
      reason,
      message: message.slice(0, LONGEST_MESSAGE),
      source: { component: this.#component },
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    };
  }
}
