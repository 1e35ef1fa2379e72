/** A pod that asks to be restored, with its checkpoint and assignment, from the caches. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { annotation, label } from '@dynamo-snapshot/api/names';
import type { V1Pod } from '@kubernetes/client-node';
import { restoreName } from '../assignment/build';
import { runningContainer, targetContainer } from '../assignment/container';
import type { Caches } from '../parts';
import type { Observed } from './decide';

/** By name or by hash; undefined for a pod that does not ask. */
export function wantedCheckpoint(pod: V1Pod): { readonly name?: string; readonly hash?: string } | undefined {
  const { annotations, labels } = pod.metadata ?? {};
  const name = annotations?.[annotation.restoreFrom];
  if (name) return { name };
  const hash = labels?.[label.checkpointHash];
  const isTarget = labels?.[label.isRestoreTarget] === 'true' && labels[label.isCheckpointSource] !== 'true';
  return isTarget && hash ? { hash } : undefined;
}

export function observe(pod: V1Pod, caches: Caches): Observed | undefined {
  const wanted = wantedCheckpoint(pod);
  const { namespace = '', name = '', annotations } = pod.metadata ?? {};
  if (wanted === undefined) return undefined;
  const named = annotations?.[annotation.targetContainers]?.split(',')[0]?.trim();
  const container = targetContainer(pod.spec?.containers ?? [], named);
  const running = container === undefined ? undefined : runningContainer(pod, container);
  const checkpoint = findCheckpoint(namespace, wanted, caches);
  const assignment =
    running && caches.assignments.get(`${namespace}/${restoreName(name, running.container.id)}`);
  return {
    wanted: wanted.name ?? `with hash ${wanted.hash ?? ''}`,
    targetFound: container !== undefined,
    ...(running === undefined ? {} : { running }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(assignment === undefined
      ? {}
      : { assignment: assignment.status === undefined ? {} : { status: assignment.status } }),
  };
}

function findCheckpoint(
  namespace: string,
  { name, hash }: { readonly name?: string; readonly hash?: string },
  { checkpoints }: Caches,
): DynamoCheckpoint | undefined {
  if (name !== undefined) return checkpoints.get(`${namespace}/${name}`);
  const same = checkpoints
    .list()
    .filter((c) => c.metadata.namespace === namespace && c.status?.identityHash === hash);
  return same.find((c) => c.status?.phase === 'Ready') ?? same[0];
}
