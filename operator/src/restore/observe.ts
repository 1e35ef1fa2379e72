/** A pod that asks to be restored, with its checkpoint and assignment, from the caches. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { annotation, label } from '@dynamo-snapshot/api/names';
import type { V1Pod } from '@kubernetes/client-node';
import { restoreName } from '../checkpoint/capture';
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
  if (wanted === undefined) return undefined;
  const checkpoint = findCheckpoint(pod.metadata?.namespace ?? '', wanted, caches);
  return {
    wanted: wanted.name ?? `with hash ${wanted.hash ?? ''}`,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...observeContainer(pod, caches),
  };
}

const namedContainer = ({ metadata }: V1Pod): string | undefined =>
  metadata?.annotations?.[annotation.targetContainers]?.split(',')[0]?.trim() || undefined;

type ContainerFacts = Pick<Observed, 'targetFound' | 'running' | 'assignment'>;

function observeContainer(pod: V1Pod, { assignments }: Caches): ContainerFacts {
  const { namespace = '', name = '' } = pod.metadata ?? {};
  const container = targetContainer(pod.spec?.containers ?? [], namedContainer(pod));
  if (container === undefined) return { targetFound: false };
  const running = runningContainer(pod, container);
  if (running === undefined) return { targetFound: true };
  const found = assignments.get(`${namespace}/${restoreName(name, running.container.id)}`);
  if (found === undefined) return { targetFound: true, running };
  const { spec, status } = found;
  const artifactDigest = spec.artifact.digest ?? '';
  return {
    targetFound: true,
    running,
    assignment: { artifactDigest, ...(status === undefined ? {} : { status }) },
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
  return (
    same.find((c) => c.status?.phase === 'Ready') ?? same.find((c) => c.status?.phase !== 'Failed') ?? same[0]
  );
}
