/**
 * @dot-i/k8s-operator with another engine (docs/adr/0001): watches are informers that only put keys on work queues, and stopping is
 * graceful. The base class's status and finalizer helpers lose errors and are not used; see api.ts.
 */
import type { KubeConfig, KubernetesObject } from '@kubernetes/client-node';
import type { ResourceEvent } from '@dot-i/k8s-operator';
import Operator, { ResourceEventType, ResourceMetaImpl } from '@dot-i/k8s-operator';
import { Informer } from './informer';
import type { Change, Watched } from './watched';
import type { Log } from './log';
import type { WorkQueue } from './queue';
import type { Resource } from './resource';
import { resourcePath } from './resource';

const eventType: Readonly<Record<Change, ResourceEventType>> = {
  ADDED: ResourceEventType.Added,
  MODIFIED: ResourceEventType.Modified,
  DELETED: ResourceEventType.Deleted,
};

export abstract class LevelOperator extends Operator {
  protected readonly log: Log;
  readonly #config: KubeConfig;
  readonly #informers: Informer<never>[] = [];
  readonly #queues = new Set<WorkQueue>();

  constructor(config: KubeConfig, log: Log) {
    super(log);
    this.log = log;
    this.#config = config;
    this.kubeConfig = config;
  }

  /** Whether every watch has listed and none is down. */
  get healthy(): boolean {
    return this.#informers.length > 0 && this.#informers.every((informer) => informer.healthy);
  }

  /** Watches a kind; every change puts the keys that it concerns on the queue. Call from init(). */
  protected watch<T extends Watched>(
    resource: Resource,
    queue: WorkQueue,
    toKeys: (object: T) => readonly string[],
  ): Informer<T> {
    const informer = this.inform<T>(resource);
    this.#queues.add(queue);
    informer.onChange((_, object) => {
      for (const key of toKeys(object)) queue.add(key);
    });
    return informer;
  }

  /** Begins the watches that init() has set up, and waits for the first lists. */
  protected async begin(): Promise<void> {
    for (const informer of this.#informers) informer.start();
    await Promise.all(this.#informers.map((informer) => informer.synced()));
  }

  protected override watchResource(
    group: string,
    version: string,
    plural: string,
    onEvent: (event: ResourceEvent) => Promise<void>,
    namespace?: string,
  ): Promise<void> {
    const informer = this.inform<KubernetesObject>({
      group,
      version,
      plural,
      ...(namespace ? { namespace } : {}),
    });
    informer.onChange((change, object) => {
      const meta = ResourceMetaImpl.createWithPlural(plural, object);
      onEvent({ meta, object, type: eventType[change] }).catch((error: unknown) =>
        this.log.error(`event of ${plural} ${meta.name}: ${String(error)}`),
      );
    });
    return Promise.resolve();
  }

  /** The base class asks an API object for a path that client-node no longer has. */
  protected override getCustomResourceApiUri(
    group: string,
    version: string,
    plural: string,
    namespace?: string,
  ): string {
    const server = this.#config.getCurrentCluster()?.server ?? '';
    return server + resourcePath({ group, version, plural, ...(namespace ? { namespace } : {}) });
  }

  override stop(): void {
    void this.shutdown();
  }

  /** Stops the watches, then waits for the runs under way. */
  async shutdown(): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.stop()));
    await Promise.all([...this.#queues].map((queue) => queue.drain()));
  }

  /** A watched cache whose changes concern no queue, or several. Call from init(). */
  protected inform<T extends Watched>(resource: Resource): Informer<T> {
    const informer = new Informer<T>({ config: this.#config, resource, log: this.log });
    this.#informers.push(informer as unknown as Informer<never>);
    return informer;
  }
}
