/** Does what was decided about a pod that asks to be restored. */
import type { V1Pod } from '@kubernetes/client-node';
import { unreachable } from '@dynamo-snapshot/api/errors';
import { findCondition } from '@dynamo-snapshot/api/conditions';
import type { PodCondition } from '@dynamo-snapshot/api/assignment';
import { reason } from '@dynamo-snapshot/api/names';
import type { EventTarget } from '@dynamo-snapshot/controller/events';
import { restoreAssignment } from '../assignment/build';
import type { Parts } from '../parts';
import { assignmentRef } from '../parts';
import type { Plan } from './decide';

export async function apply(plan: Plan, pod: V1Pod, { api, events }: Parts): Promise<void> {
  const target = podTarget(pod);
  switch (plan.do) {
    case 'nothing':
      return;
    case 'assign': {
      const { nodeName, pod: placeholder, container } = plan.target;
      const assignment = restoreAssignment(plan.checkpoint, { nodeName, pod: placeholder, container });
      const { name, namespace } = assignment.metadata;
      await api.apply(assignmentRef(namespace, name), assignment);
      const { name: from } = plan.checkpoint.metadata;
      return events.event(target, 'Normal', reason.restoreRequested, `restoring from ${from} (${name})`);
    }
    case 'tell': {
      const { condition, event } = plan;
      if (same(pod, condition)) return;
      await api.setPodCondition(target.namespace, target.name, condition);
      return events.event(target, event.type, event.reason, condition.message);
    }
    default:
      unreachable(plan);
  }
}

/** A condition that is written again would come back as an event of the pod, and be written again. */
function same(pod: V1Pod, condition: PodCondition): boolean {
  const old = findCondition(pod.status?.conditions, condition.type);
  return (
    old?.status === condition.status && old.reason === condition.reason && old.message === condition.message
  );
}

const podTarget = ({ metadata }: V1Pod): EventTarget => ({
  apiVersion: 'v1',
  kind: 'Pod',
  namespace: metadata?.namespace ?? '',
  name: metadata?.name ?? '',
  uid: metadata?.uid ?? '',
});
