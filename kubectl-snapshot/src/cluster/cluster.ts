/** What the commands read of a cluster and make in it. */
import type { KubeConfig, V1Pod } from '@kubernetes/client-node';
import { CoreV1Api, CustomObjectsApi } from '@kubernetes/client-node';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { ASSIGNMENT, CHECKPOINT, GROUP, VERSION } from '@dynamo-snapshot/api/names';
import { statusOf, words } from '@dynamo-snapshot/controller/api';
import type { Watched } from '@dynamo-snapshot/controller/watched';
import { Informer } from '@dynamo-snapshot/controller/informer';
import { silent } from '@dynamo-snapshot/controller/log';
import type { Resource } from '@dynamo-snapshot/controller/resource';
import { listResource } from '@dynamo-snapshot/controller/resource';
import { refusalOf } from './refusal';

const ours = { group: GROUP, version: VERSION } as const;

export const checkpoints = (namespace: string | undefined): Resource =>
  resource(CHECKPOINT.plural, namespace);
export const assignments = (namespace: string | undefined): Resource =>
  resource(ASSIGNMENT.plural, namespace);

const resource = (plural: string, namespace: string | undefined): Resource => ({
  ...ours,
  plural,
  ...(namespace === undefined ? {} : { namespace }),
});

/** Watched by name, so that the right to watch one object is enough. */
export const podNamed = (namespace: string, name: string): Resource => ({
  group: '',
  version: 'v1',
  plural: 'pods',
  namespace,
  fieldSelector: `metadata.name=${name}`,
});

export interface NewCheckpoint {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Partial<DynamoCheckpoint['metadata']> & {
    readonly name: string;
    readonly namespace: string;
  };
  readonly spec: DynamoCheckpoint['spec'];
}

export class Cluster {
  readonly config: KubeConfig;
  constructor(config: KubeConfig) {
    this.config = config;
  }

  listCheckpoints(namespace: string | undefined): Promise<readonly DynamoCheckpoint[]> {
    return this.#list<DynamoCheckpoint>(checkpoints(namespace), 'checkpoints');
  }

  listAssignments(namespace: string | undefined): Promise<readonly SnapshotAssignment[]> {
    return this.#list<SnapshotAssignment>(assignments(namespace), 'snapshotassignments');
  }

  listPods(namespace: string | undefined, labelSelector?: string): Promise<readonly V1Pod[]> {
    const where = {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector ? { labelSelector } : {}),
    };
    return this.#list<V1Pod>({ group: '', version: 'v1', plural: 'pods', ...where }, 'pods');
  }

  async #list<T>(what: Resource, kind: string): Promise<readonly T[]> {
    try {
      return (await listResource(this.config, what)).items as unknown as readonly T[];
    } catch (cause) {
      throw new Error(`list ${kind}: ${words(cause)}`, { cause });
    }
  }

  /** Throws CheckpointNotFound. */
  async checkpoint(namespace: string, name: string): Promise<DynamoCheckpoint> {
    const at = { ...ours, plural: CHECKPOINT.plural, namespace, name };
    const api = this.config.makeApiClient(CustomObjectsApi);
    try {
      return (await api.getNamespacedCustomObject(at)) as DynamoCheckpoint;
    } catch (cause) {
      if (statusOf(cause) !== 404) throw new Error(`get checkpoint ${name}: ${words(cause)}`, { cause });
      throw new TerminalError(
        'CheckpointNotFound',
        `there is no checkpoint ${name} in namespace ${namespace}`,
        { cause },
      );
    }
  }

  async createCheckpoint(body: NewCheckpoint): Promise<DynamoCheckpoint> {
    const { namespace, name } = body.metadata;
    const api = this.config.makeApiClient(CustomObjectsApi);
    try {
      return (await api.createNamespacedCustomObject({
        ...ours,
        plural: CHECKPOINT.plural,
        namespace,
        body,
      })) as DynamoCheckpoint;
    } catch (cause) {
      if (statusOf(cause) === 409)
        throw new TerminalError(
          'AlreadyExists',
          `there is a checkpoint ${name} already; choose another with --name, or delete it`,
          { cause },
        );
      throw new Error(`create checkpoint ${name}: ${words(cause)}`, { cause });
    }
  }

  /** Undefined where there is none. */
  async pod(namespace: string, name: string): Promise<V1Pod | undefined> {
    try {
      return await this.config.makeApiClient(CoreV1Api).readNamespacedPod({ namespace, name });
    } catch (cause) {
      if (statusOf(cause) === 404) return undefined;
      throw new Error(`get pod ${name}: ${words(cause)}`, { cause });
    }
  }

  /** `dryRun`: what admission would make of it; nothing stays. */
  async createPod(body: V1Pod, dryRun: boolean): Promise<V1Pod> {
    const namespace = body.metadata?.namespace ?? 'default';
    const how = { namespace, body, ...(dryRun ? { dryRun: 'All' } : {}) };
    try {
      return await this.config.makeApiClient(CoreV1Api).createNamespacedPod(how);
    } catch (cause) {
      throw new Error(`create pod ${body.metadata?.name}: ${words(cause)}`, { cause });
    }
  }

  /**
   * Runs `look` on the cached list after every change until it gives a value, or the signal ends it (undefined).
   * Throws what no waiting cures, as a right that is missing; other errors of the API server pass.
   */
  async follow<T extends Watched, R>(
    what: Resource,
    signal: AbortSignal,
    look: (objects: readonly T[]) => R | undefined,
  ): Promise<R | undefined> {
    const informer = new Informer<T>({ config: this.config, resource: what, log: silent });
    try {
      return await new Promise<R | undefined>((resolve, reject) => {
        const again = () => {
          try {
            const value = look(informer.list());
            if (value !== undefined) resolve(value);
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        };
        signal.addEventListener('abort', () => resolve(undefined), { once: true });
        if (signal.aborted) resolve(undefined);
        informer.onChange(() => setImmediate(again));
        informer.onError((error) => {
          const refusal = refusalOf(error, what);
          if (refusal !== undefined) reject(refusal);
        });
        informer.start();
        void informer.synced().then(again);
      });
    } finally {
      await informer.stop();
    }
  }
}
