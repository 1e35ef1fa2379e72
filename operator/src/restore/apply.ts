/** Does what was decided about a pod that asks to be restored. */
import type { V1Pod } from '@kubernetes/client-node';
import { unreachable } from '@dynamo-snapshot/api/errors';
import { findCondition } from '@dynamo-snapshot/api/conditions';
import type { PodCondition } from '@dynamo-snapshot/api/assignment';
import { reason, SETTLED_CONDITION } from '@dynamo-snapshot/api/names';
import type { EventTarget } from '@dynamo-snapshot/controller/events';
import type { Outcome } from '@dynamo-snapshot/controller/queue';
import type { Assignment, ComingTarget } from '../assignment/build';
import { endAssignment, restoreAssignment } from '../assignment/build';
import type { RunningContainer } from '../assignment/container';
import type { Parts } from '../parts';
import { assignmentRef } from '../parts';
import type { Observed, Plan, Tell } from './plan';
import { restoring, settledCondition, unrestored } from './say';

export async function apply(
  plan: Plan,
  pod: V1Pod,
  seen: Observed,
  parts: Parts,
): Promise<Outcome | undefined> {
  const target = podTarget(pod);
  switch (plan.do) {
    case 'nothing':
      return later(plan.requeueAfterMs);
    case 'assign': {
      const { checkpoint, attempt } = plan;
      const name = await give(restoreAssignment(checkpoint, bare(plan.target), attempt), parts);
      const from = checkpoint.metadata.name;
      await setConditions(pod, [restoring(from)], false, parts);
      const why = attempt.number === 1 ? reason.restoreRequested : reason.restoreRetried;
      await parts.events.event(target, 'Normal', why, `restoring from ${from} (${name})`);
      return undefined;
    }
    case 'end': {
      const { name = seen.wanted, uid } = seen.checkpoint?.metadata ?? {};
      const checkpoint = { namespace: target.namespace, name, ...(uid === undefined ? {} : { uid }) };
      await give(endAssignment(checkpoint, bare(plan.target), plan.how, plan.because), parts);
      return tell(unrestored(plan.because, false), pod, parts);
    }
    case 'withdraw':
      await parts.api.delete(assignmentRef(target.namespace, plan.assignment));
      return undefined;
    case 'tell':
      if (plan.cancel !== undefined)
        await parts.api.patch(assignmentRef(target.namespace, plan.cancel), { spec: { cancelled: true } });
      return tell(plan, pod, parts);
    default:
      return unreachable(plan);
  }
}

const later = (requeueAfterMs: number | undefined): Outcome | undefined =>
  requeueAfterMs === undefined ? undefined : { requeueAfterMs };

const bare = <T extends RunningContainer | ComingTarget>({ nodeName, pod, container }: T) => ({
  nodeName,
  pod,
  container: container as T['container'],
});

async function give(assignment: Assignment, { api }: Parts): Promise<string> {
  const { name, namespace } = assignment.metadata;
  await api.apply(assignmentRef(namespace, name), assignment);
  return name;
}

async function tell(plan: Tell, pod: V1Pod, parts: Parts): Promise<Outcome | undefined> {
  const { condition, event } = plan;
  if (await setConditions(pod, [condition], plan.settled, parts))
    await parts.events.event(podTarget(pod), event.type, event.reason, condition.message);
  return later(plan.requeueAfterMs);
}

/** False where all is said. A condition that is written again would come back as an event of the pod, and be written again. */
async function setConditions(
  pod: V1Pod,
  conditions: readonly PodCondition[],
  settled: boolean,
  { api }: Parts,
): Promise<boolean> {
  const gated = pod.spec?.readinessGates?.some((g) => g.conditionType === SETTLED_CONDITION) === true;
  const [first] = conditions;
  const all = gated && first !== undefined ? [...conditions, settledCondition(settled, first)] : conditions;
  if (all.every((c) => same(pod, c))) return false;
  const { namespace, name } = podTarget(pod);
  await api.setPodConditions(namespace, name, all);
  return true;
}

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
