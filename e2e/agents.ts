/** Takes the agents away from every node, as a person would who drains or removes them, and brings them back. */
import type { Kube } from './kube';

const AGENTS = 'app.kubernetes.io/component=agent';
const NOWHERE = 'e2e.dynamo-snapshot/no-such-node';

async function daemonSet(kube: Kube): Promise<string> {
  const [found] = await kube.list<{ readonly metadata: { readonly name: string } }>('daemonset', AGENTS);
  if (found === undefined) throw new Error('there is no DaemonSet of agents');
  return found.metadata.name;
}

const select = async (kube: Kube, value: string | null): Promise<string> => {
  const name = await daemonSet(kube);
  const patch = { spec: { template: { spec: { nodeSelector: { [NOWHERE]: value } } } } };
  await kube.run(['patch', 'daemonset', name, '--type=merge', '-p', JSON.stringify(patch)]);
  return name;
};

export async function removeAgents(kube: Kube): Promise<void> {
  await select(kube, 'true');
  await kube.run(['wait', 'pod', '-l', AGENTS, '--for=delete', '--timeout=90s'], '', 100);
}

export async function bringAgentsBack(kube: Kube): Promise<void> {
  const name = await select(kube, null);
  await kube.run(['rollout', 'status', `daemonset/${name}`, '--timeout=120s'], '', 130);
}
