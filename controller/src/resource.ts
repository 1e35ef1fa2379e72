/** One kind of object as the REST API sees it, and its lists. */
import type { KubeConfig, KubernetesListObject, KubernetesObject } from '@kubernetes/client-node';
import { CoreV1Api, CustomObjectsApi } from '@kubernetes/client-node';

export interface Resource {
  /** Empty = core. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** Empty or absent = all. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export function resourcePath({ group, version, plural, namespace }: Resource): string {
  const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace ? `${base}/namespaces/${namespace}/${plural}` : `${base}/${plural}`;
}

/** CustomObjectsApi speaks to any group; the core group has no /apis and is reached by its own class. */
export async function listResource<T extends KubernetesObject>(
  config: KubeConfig,
  { group, version, plural, namespace, labelSelector, fieldSelector }: Resource,
): Promise<KubernetesListObject<T>> {
  const select = { ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) };
  if (group === '') return listCore<T>(config, plural, namespace, select);
  const api = config.makeApiClient(CustomObjectsApi);
  const at = { group, version, plural, ...select };
  const list: unknown = namespace
    ? await api.listNamespacedCustomObject({ ...at, namespace })
    : await api.listClusterCustomObject(at);
  return list as KubernetesListObject<T>;
}

async function listCore<T extends KubernetesObject>(
  config: KubeConfig,
  plural: string,
  namespace: string | undefined,
  select: { labelSelector?: string; fieldSelector?: string },
): Promise<KubernetesListObject<T>> {
  if (plural !== 'pods') throw new Error(`no list of core ${plural} is known here`);
  const api = config.makeApiClient(CoreV1Api);
  const list: unknown = namespace
    ? await api.listNamespacedPod({ namespace, ...select })
    : await api.listPodForAllNamespaces(select);
  return list as KubernetesListObject<T>;
}
