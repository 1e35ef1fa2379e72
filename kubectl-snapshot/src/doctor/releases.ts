/** The releases of the chart that a cluster has, each to be judged by itself; pure. */
import type { V1DaemonSet, V1Pod } from '@kubernetes/client-node';
import { watchedBy, watchWords } from '../artifact/releases';

export interface Release {
  /** "the release that watches namespace team-a" */
  readonly name: string;
  readonly agents: readonly V1Pod[];
  readonly daemonSets: readonly V1DaemonSet[];
}

/** By what they watch: no two of them share a namespace. */
export function releasesOf(agents: readonly V1Pod[], daemonSets: readonly V1DaemonSet[]): readonly Release[] {
  const watchedBySet = ({ spec }: V1DaemonSet) => watchedBy(spec?.template ?? {});
  const watched = new Set([...daemonSets.map(watchedBySet), ...agents.map(watchedBy)]);
  return [...watched].map((what) => ({
    name: `the release that watches ${watchWords(what)}`,
    agents: agents.filter((pod) => watchedBy(pod) === what),
    daemonSets: daemonSets.filter((set) => watchedBySet(set) === what),
  }));
}
