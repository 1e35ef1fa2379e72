/** Every write to Kubernetes: server-side apply with a named manager, and the few verbs beside it. Errors say what was being done. */
import type { KubeConfig, V1Pod } from '@kubernetes/client-node';
import {
  ApiException,
  BatchV1Api,
  CoreV1Api,
  CustomObjectsApi,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import type { PodCondition } from '@dynamo-snapshot/api/assignment';
import { during, explain } from '@dynamo-snapshot/api/errors';

/** An object without a namespace, of a named group (not core). */
export interface ClusterRef {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly name: string;
}

/** A namespaced object of a named group (not core). */
export interface Ref extends ClusterRef {
  readonly namespace: string;
}

export interface Body {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: object;
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** HTTP status of an API error anywhere in the chain of causes; undefined where it was none. */
export function statusOf(error: unknown): number | undefined {
  for (let e = error; e instanceof Error; e = e.cause) if (e instanceof ApiException) return e.code;
  return undefined;
}

/** The API server's own words; the client's message has headers and all in it, which are others each time. */
export function words(error: unknown): string {
  for (let e = error; e instanceof Error; e = e.cause)
    if (e instanceof ApiException) {
      const body: unknown = typeof e.body === 'string' ? parsed(e.body) : e.body;
      return (body as { message?: string } | undefined)?.message ?? `the API server answered ${e.code}`;
    }
  return explain(error);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 300) };
  }
}

const apply = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply);
const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
const strategic = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);

const PAGE = 500;

interface List<T> {
  readonly items: readonly T[];
  readonly metadata?: { readonly continue?: string };
}

export class Api {
  readonly #custom: CustomObjectsApi;
  readonly #core: CoreV1Api;
  readonly #batch: BatchV1Api;
  readonly #manager: string;

  constructor(config: KubeConfig, fieldManager: string) {
    this.#custom = config.makeApiClient(CustomObjectsApi);
    this.#core = config.makeApiClient(CoreV1Api);
    this.#batch = config.makeApiClient(BatchV1Api);
    this.#manager = fieldManager;
  }

  async get<T>(ref: Ref): Promise<T | undefined> {
    return during(`get ${ref.plural} ${ref.name}`, () =>
      orAbsent(async () => (await this.#custom.getNamespacedCustomObject(ref)) as T),
    );
  }

  /** All of a namespace, as they are now. */
  async list<T>(of: Omit<Ref, 'name'>): Promise<readonly T[]> {
    return during(`list ${of.plural} of namespace ${of.namespace}`, async () => {
      const items: T[] = [];
      for (let next = ''; ;) {
        const page = { ...of, limit: PAGE, ...(next === '' ? {} : { _continue: next }) };
        const list = (await this.#custom.listNamespacedCustomObject(page)) as List<T>;
        items.push(...list.items);
        next = list.metadata?.continue ?? '';
        if (next === '') return items;
      }
    });
  }

  async getCluster<T>(ref: ClusterRef): Promise<T | undefined> {
    return during(`get ${ref.plural} ${ref.name}`, () =>
      orAbsent(async () => (await this.#custom.getClusterCustomObject(ref)) as T),
    );
  }

  getPod(namespace: string, name: string): Promise<V1Pod | undefined> {
    return during(`get pod ${name}`, () => orAbsent(() => this.#core.readNamespacedPod({ namespace, name })));
  }

  /** Creates or changes what this manager owns of the object. */
  async apply(ref: Ref, body: Body): Promise<void> {
    const how = { ...ref, fieldManager: this.#manager, force: true, body };
    await during(`apply ${ref.plural} ${ref.name}`, () =>
      this.#custom.patchNamespacedCustomObject(how, apply),
    );
  }

  async applyCluster(ref: ClusterRef, body: Body): Promise<void> {
    const how = { ...ref, fieldManager: this.#manager, force: true, body };
    await during(`apply ${ref.plural} ${ref.name}`, () => this.#custom.patchClusterCustomObject(how, apply));
  }

  async applyStatus(ref: Ref, body: Body): Promise<void> {
    const how = { ...ref, fieldManager: this.#manager, force: true, body };
    await during(`apply status of ${ref.plural} ${ref.name}`, () =>
      this.#custom.patchNamespacedCustomObjectStatus(how, apply),
    );
  }

  /** A merge patch; with a resourceVersion in it, a changed object answers 409. */
  async patch(ref: Ref, body: object): Promise<void> {
    await during(`patch ${ref.plural} ${ref.name}`, () =>
      this.#custom.patchNamespacedCustomObject({ ...ref, body }, merge),
    );
  }

  /** False where there is one already, which is left as it is. */
  async create(ref: Ref, body: Body): Promise<boolean> {
    return during(`create ${ref.plural} ${ref.name}`, async () => {
      try {
        await this.#custom.createNamespacedCustomObject({ ...ref, body, fieldManager: this.#manager });
        return true;
      } catch (error) {
        if (statusOf(error) !== 409) throw error;
        return false;
      }
    });
  }

  /** Absent is fine. Dependents go in the background. */
  async delete(ref: Ref): Promise<void> {
    const how = { ...ref, propagationPolicy: 'Background' };
    await during(`delete ${ref.plural} ${ref.name}`, () =>
      orAbsent(() => this.#custom.deleteNamespacedCustomObject(how)),
    );
  }

  /** Creates a Job; one that exists already is left as it is. */
  async createJob(namespace: string, body: object): Promise<void> {
    await during('create job', async () => {
      try {
        await this.#batch.createNamespacedJob({ namespace, body, fieldManager: this.#manager });
      } catch (error) {
        if (statusOf(error) !== 409) throw error;
      }
    });
  }

  async setPodConditions(
    namespace: string,
    name: string,
    conditions: readonly PodCondition[],
  ): Promise<void> {
    const lastTransitionTime = new Date().toISOString();
    const body = { status: { conditions: conditions.map((c) => ({ ...c, lastTransitionTime })) } };
    await during(`set conditions ${conditions.map((c) => c.type).join(', ')} of pod ${name}`, () =>
      orAbsent(() => this.#core.patchNamespacedPodStatus({ namespace, name, body }, strategic)),
    );
  }
}

async function orAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
