/** What a pod says of itself; pure. */
import type { V1Pod, V1PodCondition } from '@kubernetes/client-node';

export const readiness = (pod: V1Pod): V1PodCondition | undefined =>
  pod.status?.conditions?.find((c) => c.type === 'Ready');

export const isReady = (pod: V1Pod): boolean => readiness(pod)?.status === 'True';
export const isLeaving = (pod: V1Pod): boolean => pod.metadata?.deletionTimestamp !== undefined;
/** None of its containers runs any more. */
export const isOver = (pod: V1Pod): boolean =>
  pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
