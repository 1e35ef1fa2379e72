/** Whether every node that should have an agent has one that is ready; pure. */
import type { V1DaemonSet, V1Node, V1Pod } from '@kubernetes/client-node';
import { isReady } from '../artifact/agents';
import type { Said } from './decide';
import { ok, problem, unknown } from './decide';
import type { SeenCluster } from './observe';

export function decideAgents({ nodes, agents, daemonSets, warnings }: SeenCluster): readonly Said[] {
  if ('unknown' in agents) return [unknown(agents.unknown)];
  if ('unknown' in nodes) return [unknown(`nodes: ${nodes.unknown}`)];
  const [daemonSet] = 'value' in daemonSets ? daemonSets.value : [];
  if (daemonSet === undefined && agents.value.length === 0)
    return [
      problem('there are no agents', 'install the chart: helm install snapshot charts/dynamo-snapshot'),
    ];
  return nodes.value.map((node) => ofNode(node, agents.value, daemonSet, warnings));
}

function ofNode(
  node: V1Node,
  agents: readonly V1Pod[],
  daemonSet: V1DaemonSet | undefined,
  warnings: ReadonlyMap<string, string>,
): Said {
  const name = node.metadata?.name ?? '';
  const pods = agents.filter(
    (pod) => pod.spec?.nodeName === name && pod.metadata?.deletionTimestamp === undefined,
  );
  if (pods.some(isReady)) return ok(`agent ${pods.find(isReady)?.metadata?.name} is ready`, name);
  const [pod] = pods;
  if (pod !== undefined) return notReady(pod, name, warnings);
  const why = whyNone(node, daemonSet);
  return problem(`no agent runs on it${why === undefined ? '' : `: ${why}`}`, NONE, name);
}

const NONE =
  'nothing is captured or restored there; if it should be, fit daemonset.nodeSelector and daemonset.tolerations of the chart to the node';

/** What of the DaemonSet does not fit the node, as the scheduler would see it. */
function whyNone({ metadata, spec }: V1Node, daemonSet: V1DaemonSet | undefined): string | undefined {
  const template = daemonSet?.spec?.template.spec;
  const missing = Object.entries(template?.nodeSelector ?? {}).filter(
    ([key, value]) => metadata?.labels?.[key] !== value,
  );
  if (missing.length > 0)
    return `it does not have the label ${missing.map(([key, value]) => `${key}=${value}`).join(', ')}`;
  const tolerated = (key: string, effect: string) =>
    template?.tolerations?.some(
      (t) => (t.key === undefined || t.key === key) && (t.effect === undefined || t.effect === effect),
    );
  const taint = spec?.taints?.find(
    (t) => t.effect !== 'PreferNoSchedule' && tolerated(t.key, t.effect) !== true,
  );
  return taint === undefined ? undefined : `it has the taint ${taint.key}:${taint.effect}`;
}

function notReady(pod: V1Pod, node: string, warnings: ReadonlyMap<string, string>): Said {
  const { name = '', namespace } = pod.metadata ?? {};
  const warning = warnings.get(name) ?? waiting(pod) ?? `it is ${pod.status?.phase ?? 'Pending'}`;
  const logs = `kubectl --namespace ${namespace} describe pod ${name}`;
  if (/is not a socket file|containerd\.sock|hostPath type check failed/.test(warning))
    return problem(
      `agent ${name} cannot start, because the container runtime's socket is not there: ${warning}`,
      'start containerd on this node; where its socket lies elsewhere, set runtime.socketPath of the chart',
      node,
    );
  if (/seccomp/.test(warning))
    return problem(
      `agent ${name} cannot start, because of its seccomp profile: ${warning}`,
      "set kubelet.root of the chart to the kubelet's --root-dir",
      node,
    );
  return problem(`agent ${name} is not ready: ${warning}`, logs, node);
}

function waiting({ status }: V1Pod): string | undefined {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const state = all.find((c) => c.state?.waiting !== undefined)?.state?.waiting;
  return state === undefined ? undefined : [state.reason, state.message].filter(Boolean).join(': ');
}
