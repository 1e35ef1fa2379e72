/** A pod that asks to be restored, with its checkpoint and assignments, from the caches. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { annotation, label } from '@dynamo-snapshot/api/names';
import { parseStandbyCommand } from '@dynamo-snapshot/api/standby';
import type { V1Pod } from '@kubernetes/client-node';
import type { RunningContainer } from '../assignment/container';
import { endName, firstRestoreName, restoreName } from '../checkpoint/capture';
import { comingContainer, runningContainer, targetContainer } from '../assignment/container';
import type { Caches } from '../parts';
import { best } from './best';
import type { Because, Given, Observed } from './plan';

/** By name or by hash; undefined for a pod that does not ask. */
export function wantedCheckpoint(pod: V1Pod): { readonly name?: string; readonly hash?: string } | undefined {
  const { annotations, labels } = pod.metadata ?? {};
  const name = annotations?.[annotation.restoreFrom];
  if (name) return { name };
  const hash = labels?.[label.checkpointHash];
  const isTarget = labels?.[label.isRestoreTarget] === 'true' && labels[label.isCheckpointSource] !== 'true';
  return isTarget && hash ? { hash } : undefined;
}

/** It names a checkpoint, or was selected by one and left as it was. */
export const asks = (pod: V1Pod): boolean =>
  wantedCheckpoint(pod) !== undefined || pod.metadata?.annotations?.[annotation.notRestored] !== undefined;

export function observe(pod: V1Pod, caches: Caches): Observed | undefined {
  if (!asks(pod)) return undefined;
  const wanted = wantedCheckpoint(pod) ?? {};
  const checkpoint = findCheckpoint(pod.metadata?.namespace ?? '', wanted, caches);
  const leftAlone = becauseOf(pod.metadata?.annotations?.[annotation.notRestored]);
  return {
    wanted: wanted.name ?? `with hash ${wanted.hash ?? ''}`,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(leftAlone === undefined ? {} : { leftAlone }),
    ...observeContainer(pod, caches),
  };
}

/** "<reason>: <message>" */
function becauseOf(text: string | undefined): Because | undefined {
  const [, reason, message] = /^([A-Za-z]+): (.*)$/s.exec(text ?? '') ?? [];
  return reason === undefined || message === undefined ? undefined : { reason, message };
}

/** The first of a list; an empty one says nothing. */
export const namedContainer = ({ metadata }: V1Pod): string | undefined =>
  metadata?.annotations?.[annotation.targetContainers]?.split(',')[0]?.trim() || undefined;

type ContainerFacts = Pick<
  Observed,
  'targetFound' | 'standby' | 'running' | 'coming' | 'first' | 'restarts' | 'attempts' | 'end'
>;

function observeContainer(pod: V1Pod, caches: Caches): ContainerFacts {
  const name = targetContainer(pod.spec?.containers ?? [], namedContainer(pod));
  const container = pod.spec?.containers.find((c) => c.name === name);
  if (name === undefined || container === undefined) return { targetFound: false, restarts: 0, attempts: [] };
  const standby = parseStandbyCommand([...(container.command ?? []), ...(container.args ?? [])]);
  const running = runningContainer(pod, name);
  const first = firstAttempt(pod, caches);
  const facts = {
    targetFound: true,
    restarts: restartsOf(pod, name),
    ...(standby === undefined ? {} : { standby }),
    ...(first === undefined ? {} : { first }),
  };
  if (running === undefined) {
    const coming = comingContainer(pod, name);
    return { ...facts, ...(coming === undefined ? {} : { coming }), attempts: [] };
  }
  const end = given(pod, endName(running.pod.name, running.container.id), caches);
  const attempts = attemptsOf(pod, running, first, caches);
  return { ...facts, running, attempts, ...(end === undefined ? {} : { end }) };
}

const restartsOf = ({ status }: V1Pod, container: string): number =>
  status?.containerStatuses?.find((c) => c.name === container)?.restartCount ?? 0;

function firstAttempt(pod: V1Pod, caches: Caches): Given | undefined {
  const { name = '', uid = '' } = pod.metadata ?? {};
  return given(pod, firstRestoreName(name, uid), caches);
}

function attemptsOf(
  pod: V1Pod,
  { pod: { name }, container, restartCount }: RunningContainer,
  first: Given | undefined,
  caches: Caches,
): Given[] {
  const attempts = restartCount === 0 && first !== undefined ? [first] : [];
  for (let number = attempts.length + 1; ; number += 1) {
    const attempt = given(pod, restoreName(name, container.id, number), caches);
    if (attempt === undefined) return attempts;
    attempts.push(attempt);
  }
}

function given(pod: V1Pod, name: string, { assignments }: Caches): Given | undefined {
  const found = assignments.get(`${pod.metadata?.namespace ?? ''}/${name}`);
  if (found === undefined) return undefined;
  const { metadata, spec, status } = found;
  const createdAt = new Date(metadata.creationTimestamp ?? 0).getTime();
  return { name, createdAt, spec, ...(status === undefined ? {} : { status }) };
}

function findCheckpoint(
  namespace: string,
  { name, hash }: { readonly name?: string; readonly hash?: string },
  { checkpoints }: Caches,
): DynamoCheckpoint | undefined {
  if (name !== undefined) return checkpoints.get(`${namespace}/${name}`);
  return best(
    checkpoints.list().filter((c) => c.metadata.namespace === namespace && c.status?.identityHash === hash),
  );
}
