/** Everything about a namespace that the decision on its ConfigMaps with the program of placeholders needs to know. */
import { STANDBY_VOLUME } from '@dynamo-snapshot/api/control';
import { standbyConfigMaps } from '@dynamo-snapshot/api/names';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import type { Change } from '@dynamo-snapshot/controller/watched';
import type { V1Pod } from '@kubernetes/client-node';
import type { Caches } from '../parts';
import { isOver } from '../pod';
import type { ConfigMaps } from './config-maps';
import type { Found, Observed } from './decide';
import type { Program } from './program';

/** Which of our ConfigMaps a pod mounts. One that is over mounts none: nothing of it starts again. */
export const mountedBy = (pod: V1Pod): readonly string[] =>
  isOver(pod)
    ? []
    : (pod.spec?.volumes ?? []).flatMap(({ configMap }) =>
        configMap?.name !== undefined && standbyConfigMaps.includes(configMap.name) ? [configMap.name] : [],
      );

/** The term of a lookup. */
export const mountTerms = (pod: V1Pod): readonly string[] =>
  mountedBy(pod).length === 0 ? [] : [pod.metadata?.namespace ?? ''];

/** Whether its namespace is to be looked at: a pod that mounts one comes or goes, or one came that found none. */
export function concerns(change: Change, pod: V1Pod): boolean {
  const mounts = (pod.spec?.volumes ?? []).some((v) => standbyConfigMaps.includes(v.configMap?.name ?? ''));
  if (mounts) return change !== 'MODIFIED' || isOver(pod);
  return change === 'ADDED' && pod.spec?.initContainers?.some((c) => c.name === STANDBY_VOLUME) === true;
}

/** One that is on its way out wants nothing any more. */
export const wants = ({ metadata }: DynamoCheckpoint): boolean => metadata.deletionTimestamp === undefined;

export interface Look {
  readonly namespace: string;
  readonly program: Program;
  /** Whether the names of other versions are looked at too. */
  readonly others: boolean;
  readonly othersStayMs: number;
}

export async function observe(
  { namespace, program, others, othersStayMs }: Look,
  { checkpoints, mounting }: Pick<Caches, 'checkpoints' | 'mounting'>,
  maps: Pick<ConfigMaps, 'find'>,
): Promise<Observed> {
  const names = others ? standbyConfigMaps : [program.name];
  const found = await Promise.all(
    names.map(async (name) => [name, await maps.find(namespace, name, program)] as const),
  );
  return {
    own: program.name,
    othersStayMs,
    wanted: checkpoints.list().some((c) => c.metadata.namespace === namespace && wants(c)),
    mounted: new Set(mounting.get(namespace).flatMap(mountedBy)),
    found: new Map(found.filter((entry): entry is readonly [string, Found] => entry[1] !== undefined)),
  };
}
