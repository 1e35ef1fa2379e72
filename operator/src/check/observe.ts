/** Looks at an installation as the pod of `helm test` sees it. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { during, explain } from '@dynamo-snapshot/api/errors';
import { GROUP, VERSION } from '@dynamo-snapshot/api/names';
import { statusOf } from '@dynamo-snapshot/controller/api';
import type { KubeConfig, V1Pod, V1PodStatus } from '@kubernetes/client-node';
import { AppsV1Api, CoreV1Api, CustomObjectsApi } from '@kubernetes/client-node';
import type { AgentPod, Seen } from './decide';

export interface Installation {
  readonly namespace: string;
  readonly release: string;
  /** Names of the Deployment and of the DaemonSet. */
  readonly operator: string;
  readonly agent: string;
  readonly store: string;
}

export async function observe(config: KubeConfig, installation: Installation): Promise<Seen> {
  const { namespace, operator, agent, store } = installation;
  const apps = config.makeApiClient(AppsV1Api);
  const deployment = await during(`get deployment ${operator}`, () =>
    apps.readNamespacedDeployment({ namespace, name: operator }),
  );
  const daemonset = await during(`get daemonset ${agent}`, () =>
    apps.readNamespacedDaemonSet({ namespace, name: agent }),
  );
  return {
    served: await servedKinds(config),
    operator: { wanted: deployment.spec?.replicas ?? 1, ready: deployment.status?.readyReplicas ?? 0 },
    agents: {
      nodes: daemonset.status?.desiredNumberScheduled ?? 0,
      ready: daemonset.status?.numberReady ?? 0,
      pods: await agentPods(config, installation),
    },
    store: await writable(store),
  };
}

async function servedKinds(config: KubeConfig): Promise<readonly string[]> {
  const api = config.makeApiClient(CustomObjectsApi);
  try {
    const { resources } = await api.getAPIResources({ group: GROUP, version: VERSION });
    return resources.map(({ name }) => name);
  } catch (error) {
    if (statusOf(error) === 404) return [];
    throw error;
  }
}

async function agentPods(
  config: KubeConfig,
  { namespace, release }: Installation,
): Promise<readonly AgentPod[]> {
  const labelSelector = `app.kubernetes.io/instance=${release},app.kubernetes.io/component=agent`;
  const { items } = await during('list the agents', () =>
    config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace, labelSelector }),
  );
  return items.map(agentPod);
}

function agentPod({ spec, status }: V1Pod): AgentPod {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return {
    node: spec?.nodeName ?? 'no node yet',
    ready: ready?.status === 'True',
    why: waiting(status) ?? ready?.message ?? status?.phase ?? 'unknown',
  };
}

/** What the first container that cannot start waits for. */
function waiting(status: V1PodStatus | undefined): string | undefined {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const state = containers.find((c) => c.state?.waiting?.reason !== undefined)?.state?.waiting;
  return state && `${state.reason}: ${state.message ?? 'waiting'}`;
}

/** Written and read back: a volume that is full or read-only mounts as well as any. */
async function writable(path: string): Promise<Seen['store']> {
  const file = join(path, `.helm-test-${process.pid}-${Date.now()}`);
  try {
    await writeFile(file, file);
    if ((await readFile(file, 'utf8')) !== file) throw new Error('what is read is not what was written');
    return { path };
  } catch (error) {
    return { path, fault: explain(error) };
  } finally {
    await rm(file, { force: true });
  }
}
