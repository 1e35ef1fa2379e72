/** The agents' pods: the way to the store and to what a node knows of itself. */
import type { V1Pod } from '@kubernetes/client-node';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { AGENT_SELECTOR } from '@dynamo-snapshot/api/names';
import { statusOf } from '@dynamo-snapshot/controller/api';
import type { Session } from '../session';
import type { AgentPod } from './args';
import { agentContainer, agentsFor, storeOf } from './releases';

/** In every namespace where that may be listed, else in ours. */
export async function listAgents(session: Session): Promise<readonly V1Pod[]> {
  const pods = await session.cluster.listPods(undefined, AGENT_SELECTOR).catch((error: unknown) => {
    if (statusOf(error) !== 403) throw error;
    return session.cluster.listPods(session.namespace, AGENT_SELECTOR);
  });
  return pods.filter((pod) => agentContainer(pod.spec) !== undefined);
}

export const isReady = (pod: V1Pod): boolean =>
  pod.metadata?.deletionTimestamp === undefined &&
  pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true;

export const agentPod = ({ metadata, spec }: V1Pod): AgentPod => ({
  namespace: metadata?.namespace ?? '',
  name: metadata?.name ?? '',
  container: agentContainer(spec)?.name ?? '',
  store: storeOf(spec),
});

/** Any that is ready of the release that the namespace belongs to: its store is the same for all of them. Throws NoAgent. */
export async function anyAgent(session: Session): Promise<AgentPod> {
  const { namespace } = session;
  const pod = agentsFor(namespace, await listAgents(session)).find(isReady);
  if (pod === undefined)
    throw new TerminalError(
      'NoAgent',
      `no agent of a release that watches namespace ${namespace} is ready, and only such an agent reaches its store: kubectl snapshot doctor tells why`,
    );
  return agentPod(pod);
}
