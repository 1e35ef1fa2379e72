/**
 * A watched, cached list of one kind of object that stays alive: client-node's ListWatch relists on 410 and tells of what vanished
 * meanwhile; here it is started again, with back-off, after every other error, and is never a reason to end the process.
 */
import type { KubeConfig, KubernetesObject } from '@kubernetes/client-node';
import { ListWatch, Watch } from '@kubernetes/client-node';
import { explain } from '@dynamo-snapshot/api/errors';
import type { Log } from './log';
import { Lookup } from './lookup';
import type { Resource } from './resource';
import { listResource, resourcePath } from './resource';
import type { Change, Watched } from './watched';

const FIRST_RESTART_MS = 1000;
const LAST_RESTART_MS = 30_000;

export interface InformerOptions {
  readonly config: KubeConfig;
  readonly resource: Resource;
  readonly log: Log;
}

export class Informer<T extends Watched> {
  readonly #options: InformerOptions;
  readonly #watch: ListWatch<KubernetesObject>;
  readonly #listeners: ((change: Change, object: T) => void)[] = [];
  readonly #errorListeners: ((error: unknown) => void)[] = [];
  #stopped = false;
  #restartMs = FIRST_RESTART_MS;
  #timer: NodeJS.Timeout | undefined;
  #markSynced: () => void = () => {};
  readonly #synced = new Promise<void>((resolve) => (this.#markSynced = resolve));
  /** Whether the last list succeeded. */
  healthy = false;

  constructor(options: InformerOptions) {
    this.#options = options;
    const { config, resource } = options;
    const list = async () => {
      const objects = await listResource<KubernetesObject>(config, resource);
      this.healthy = true;
      this.#restartMs = FIRST_RESTART_MS;
      setImmediate(this.#markSynced);
      return objects;
    };
    const path = resourcePath(resource);
    const { labelSelector, fieldSelector } = resource;
    this.#watch = new ListWatch<KubernetesObject>(
      path,
      this.#watcher(config),
      list,
      false,
      labelSelector,
      fieldSelector,
    );
    this.#watch.on('add', (object) => this.#tell('ADDED', object as T));
    this.#watch.on('update', (object) => this.#tell('MODIFIED', object as T));
    this.#watch.on('delete', (object) => this.#tell('DELETED', object as T));
    this.#watch.on('error', (error: unknown) => this.#restart(error));
  }

  get(key: string): T | undefined {
    const [namespace = '', name = ''] = key.split('/');
    return this.#watch.get(name, namespace) as T | undefined;
  }

  list(): readonly T[] {
    return this.#watch.list() as readonly T[];
  }

  /** Listeners only put keys on a queue: what they throw would be lost in the stream. */
  onChange(listener: (change: Change, object: T) => void): void {
    this.#listeners.push(listener);
  }

  /** Told of every error of a list or watch, each of which is followed by another try. */
  onError(listener: (error: unknown) => void): void {
    this.#errorListeners.push(listener);
  }

  /** Is up to date whenever a listener that was added later is called. */
  lookup(termsOf: (object: T) => readonly string[]): Lookup<T> {
    const lookup = new Lookup(termsOf);
    this.onChange((change, object) => lookup.see(change, object));
    return lookup;
  }

  start(): void {
    void this.#watch.start().then(
      () => this.#started(),
      (error: unknown) => this.#restart(error),
    );
  }

  /** Settles when the first list is in the cache. */
  synced(): Promise<void> {
    return this.#synced;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#watch.stop();
  }

  /** A watch that failed while it began has set a timer already. */
  #started(): void {
    if (this.#timer !== undefined || this.#stopped) return;
    this.healthy = true;
    this.#restartMs = FIRST_RESTART_MS;
  }

  /** Who wrote which field is of no use here, and is half of what an object weighs. */
  #tell(change: Change, object: T): void {
    if (object.metadata !== undefined) delete (object.metadata as { managedFields?: unknown }).managedFields;
    for (const listener of this.#listeners) listener(change, object);
  }

  /** ListWatch looks at its stop flag before it lists and waits, not after. */
  #watcher(config: KubeConfig): Watch {
    const watch = new Watch(config);
    const begin = watch.watch.bind(watch);
    watch.watch = async (...args) => {
      if (this.#stopped) return new AbortController();
      const opened = await begin(...args);
      if (this.#stopped) opened.abort();
      return opened;
    };
    return watch;
  }

  #restart(error: unknown): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.healthy = false;
    const { log, resource } = this.#options;
    log.warn(`watch of ${resource.plural}: ${explain(error)}`, { retryInMs: this.#restartMs });
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.start();
    }, this.#restartMs);
    for (const listener of this.#errorListeners) listener(error);
    this.#restartMs = Math.min(this.#restartMs * 2, LAST_RESTART_MS);
  }
}
