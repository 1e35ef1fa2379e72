/** The ConfigMaps with the program of placeholders, by name: we may neither list nor watch them. */
import type { KubeConfig, V1ConfigMap } from '@kubernetes/client-node';
import { CoreV1Api } from '@kubernetes/client-node';
import { STANDBY_FILE } from '@dynamo-snapshot/api/control';
import { during } from '@dynamo-snapshot/api/errors';
import { fieldManager, label } from '@dynamo-snapshot/api/names';
import { statusOf } from '@dynamo-snapshot/controller/api';
import type { Found } from './decide';
import type { Program } from './program';

export class ConfigMaps {
  readonly #core: CoreV1Api;

  constructor(kube: KubeConfig) {
    this.#core = kube.makeApiClient(CoreV1Api);
  }

  async find(namespace: string, name: string, { content }: Program): Promise<Found | undefined> {
    const map = await during(`get configmap ${namespace}/${name}`, () =>
      unless(404, this.#core.readNamespacedConfigMap({ namespace, name })),
    );
    return map === undefined ? undefined : foundOf(map, content);
  }

  /** One that is there already is left as it is; the next look tells what it is. */
  async create(namespace: string, { name, content }: Program): Promise<void> {
    const body = {
      metadata: { name, namespace, labels: { [label.standby]: 'true' } },
      immutable: true,
      binaryData: { [STANDBY_FILE]: content },
    };
    const fields = { fieldManager: fieldManager.operator };
    await during(`create configmap ${namespace}/${name}`, () =>
      unless(409, this.#core.createNamespacedConfigMap({ namespace, body, ...fields })),
    );
  }

  /** The very one that was looked at; absent is fine, and so is another one in its place. */
  async remove(namespace: string, name: string, uid: string): Promise<void> {
    const body = { preconditions: { uid } };
    await during(`delete configmap ${namespace}/${name}`, () =>
      unless(409, unless(404, this.#core.deleteNamespacedConfigMap({ namespace, name, body }))),
    );
  }
}

export const foundOf = ({ metadata, binaryData = {}, data = {} }: V1ConfigMap, content: string): Found => ({
  uid: metadata?.uid ?? '',
  ours: metadata?.labels?.[label.standby] === 'true',
  same: binaryData[STANDBY_FILE] === content && Object.keys({ ...binaryData, ...data }).length === 1,
});

async function unless<T>(code: number, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (statusOf(error) === code) return undefined;
    throw error;
  }
}
