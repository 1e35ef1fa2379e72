/** Whether every node that should have an agent has one that is ready, of each release; pure. */
import type { V1DaemonSet, V1Node, V1Pod } from '@kubernetes/client-node';
import { isReady } from '../artifact/agents';
import type { Said } from './decide';
import { ok, problem, unknown } from './decide';
import type { SeenCluster } from './observe';
import type { Release } from './releases';
import { releasesOf } from './releases';

export function decideAgents({ nodes, agents, daemonSets, warnings }: SeenCluster): readonly Said[] {
  if ('unknown' in agents) return [unknown(agents.unknown)];
  if ('unknown' in nodes) return [unknown(`nodes: ${nodes.unknown}`)];
  const releases = releasesOf(agents.value, 'value' in daemonSets ? daemonSets.value : []);
  if (releases.length === 0)
    return [
      problem('there are no agents', 'install the chart: helm install snapshot charts/dynamo-snapshot'),
    ];
  return nodes.value.flatMap((node) => ofNode(node, releases, warnings));
}

function ofNode(
  node: V1Node,
  releases: readonly Release[],
  warnings: ReadonlyMap<string, string>,
): readonly Said[] {
  const name = node.metadata?.name ?? '';
  const here = releases.map((release) => ({ release, pods: podsOn(name, release) }));
  const isServed = here.some(({ pods }) => pods.length > 0);
  return here.flatMap(({ release, pods }) => {
    const ready = pods.find(isReady);
    if (ready !== undefined) return [ok(`agent ${ready.metadata?.name} is ready`, name)];
    const [pod] = pods;
    if (pod !== undefined) return [notReady(pod, name, warnings)];
    const why = whyNone(node, release.daemonSets);
    // Teams may have divided the nodes among their releases.
    if (why !== undefined && isServed) return [];
    const which = releases.length > 1 ? ` of ${release.name}` : '';
    return [problem(`no agent${which} runs on it${why === undefined ? '' : `: ${why}`}`, NONE, name)];
  });
}

const podsOn = (node: string, { agents }: Release): readonly V1Pod[] =>
  agents.filter((pod) => pod.spec?.nodeName === node && pod.metadata?.deletionTimestamp === undefined);

const NONE =
  'nothing is captured or restored there; if it should be, fit daemonset.nodeSelector and daemonset.tolerations of the chart to the node';

/** Undefined where one of them fits the node. */
function whyNone(node: V1Node, daemonSets: readonly V1DaemonSet[]): string | undefined {
  const misfits = daemonSets.map((set) => misfit(node, set));
  return misfits.includes(undefined) ? undefined : misfits[0];
}

/** What of the DaemonSet does not fit the node, as the scheduler would see it. */
function misfit({ metadata, spec }: V1Node, daemonSet: V1DaemonSet): string | undefined {
  const template = daemonSet.spec?.template.spec;
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
