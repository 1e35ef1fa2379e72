/** What `helm test` says about an installation: one finding for each part, in words; pure. */
import { ASSIGNMENT, CHECKPOINT, GROUP, VERSION } from '@dynamo-snapshot/api/names';

export interface AgentPod {
  readonly node: string;
  readonly ready: boolean;
  /** Why it is not. */
  readonly why: string;
}

export interface Seen {
  /** Plural names that the API server serves in our group. */
  readonly served: readonly string[];
  readonly operator: { readonly wanted: number; readonly ready: number };
  readonly agents: { readonly nodes: number; readonly ready: number; readonly pods: readonly AgentPod[] };
  readonly store: { readonly path: string; readonly fault?: string };
}

export interface Finding {
  readonly ok: boolean;
  readonly text: string;
}

const found = (ok: boolean, good: string, bad: string): Finding => ({ ok, text: ok ? good : bad });

export const decide = (seen: Seen): readonly Finding[] => [
  kinds(seen),
  operator(seen),
  agents(seen),
  store(seen),
];

function kinds({ served }: Seen): Finding {
  const missing = [CHECKPOINT.plural, ASSIGNMENT.plural].filter((plural) => !served.includes(plural));
  return found(
    missing.length === 0,
    `${GROUP}/${VERSION} serves ${CHECKPOINT.plural} and ${ASSIGNMENT.plural}`,
    `${GROUP}/${VERSION} does not serve ${missing.join(' and ')}: install the CRDs (crds.upgrade=true)`,
  );
}

const operator = ({ operator: { wanted, ready } }: Seen): Finding =>
  found(
    ready >= wanted && wanted > 0,
    `the operator is ready (${ready} of ${wanted})`,
    `${ready} of ${wanted} operator pods are ready: see their log and kubectl describe`,
  );

function agents({ agents: { nodes, ready, pods } }: Seen): Finding {
  const waiting = pods.filter((pod) => !pod.ready).map((pod) => `${pod.node} (${pod.why})`);
  if (nodes === 0)
    return found(
      false,
      '',
      'no node is chosen for an agent: see daemonset.nodeSelector and daemonset.tolerations',
    );
  return found(
    ready >= nodes,
    `an agent is ready on each of ${nodes} nodes`,
    `${nodes - ready} of ${nodes} nodes are without a ready agent: ${waiting.join(', ') || 'their pods are not made yet'}`,
  );
}

const store = ({ store: { path, fault } }: Seen): Finding =>
  found(
    fault === undefined,
    `the store at ${path} can be written`,
    `the store at ${path} cannot be written: ${fault}`,
  );
