/** The agents' pods: the way to the store and to what a node knows of itself. */
import type { V1Pod } from '@kubernetes/client-node';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { AGENT_SELECTOR } from '@dynamo-snapshot/api/names';
import { statusOf } from '@dynamo-snapshot/controller/api';
import type { Session } from '../session';
import type { AgentPod } from './args';

const STORE_VARIABLE = 'SNAPSHOT_STORE';

const agentContainer = (pod: V1Pod) =>
  pod.spec?.containers.find((c) => c.env?.some((e) => e.name === STORE_VARIABLE));

/** In every namespace where that may be listed, else in ours. */
export async function listAgents(session: Session): Promise<readonly V1Pod[]> {
  const pods = await session.cluster.listPods(undefined, AGENT_SELECTOR).catch((error: unknown) => {
    if (statusOf(error) !== 403) throw error;
    return session.cluster.listPods(session.namespace, AGENT_SELECTOR);
  });
  return pods.filter((pod) => agentContainer(pod) !== undefined);
}

export const isReady = (pod: V1Pod): boolean =>
  pod.metadata?.deletionTimestamp === undefined &&
  pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true;

export function agentPod(pod: V1Pod): AgentPod {
  const container = agentContainer(pod);
  return {
    namespace: pod.metadata?.namespace ?? '',
    name: pod.metadata?.name ?? '',
    container: container?.name ?? '',
    store: container?.env?.find((e) => e.name === STORE_VARIABLE)?.value ?? '',
  };
}

/** Any that is ready: the store is the same for all. Throws NoAgent. */
export async function anyAgent(session: Session): Promise<AgentPod> {
  const pod = (await listAgents(session)).find(isReady);
  if (pod === undefined)
    throw new TerminalError(
      'NoAgent',
      'no agent is ready, and only an agent reaches the store: kubectl snapshot doctor tells why',
    );
  return agentPod(pod);
}
