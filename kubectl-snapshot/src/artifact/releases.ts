/** Releases of the chart: each watches one namespace, or all, and its agents share a store that is no other release's; pure. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';

const STORE_VARIABLE = 'SNAPSHOT_STORE';
const WATCH_VARIABLE = 'WATCH_NAMESPACE';
const ALL_NAMESPACES = '';

/** An agent, or what a DaemonSet makes agents of. */
interface HasSpec {
  readonly spec?: V1PodSpec;
}

export const agentContainer = (spec: V1PodSpec | undefined): V1Container | undefined =>
  spec?.containers.find((c) => c.env?.some((e) => e.name === STORE_VARIABLE));

const variable = (spec: V1PodSpec | undefined, name: string): string =>
  agentContainer(spec)?.env?.find((e) => e.name === name)?.value ?? '';

export const storeOf = (spec: V1PodSpec | undefined): string => variable(spec, STORE_VARIABLE);

/** The namespace that the release of an agent watches; empty = all. */
export const watchedBy = ({ spec }: HasSpec): string => variable(spec, WATCH_VARIABLE);

export const watchWords = (watched: string): string =>
  watched === ALL_NAMESPACES ? 'all namespaces' : `namespace ${watched}`;

/** Those of the release that a namespace belongs to: its own before one for all, even where its own is down, since their stores differ. */
export function agentsFor<P extends HasSpec>(namespace: string, agents: readonly P[]): readonly P[] {
  const watching = (what: string) => agents.filter((agent) => watchedBy(agent) === what);
  const own = watching(namespace);
  return own.length > 0 ? own : watching(ALL_NAMESPACES);
}
