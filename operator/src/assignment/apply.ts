/** Ends an assignment in the name of an agent that is gone. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { unreachable } from '@dynamo-snapshot/api/errors';
import { API_VERSION, ASSIGNMENT } from '@dynamo-snapshot/api/names';
import { progressOf } from '@dynamo-snapshot/api/progress';
import { iso } from '@dynamo-snapshot/api/time';
import type { Outcome } from '@dynamo-snapshot/controller/queue';
import type { Parts } from '../parts';
import { assignmentRef } from '../parts';
import type { Plan } from './decide';

export async function apply(
  plan: Plan,
  { metadata, spec }: SnapshotAssignment,
  { api, clock, log, metrics }: Parts,
): Promise<Outcome | undefined> {
  switch (plan.do) {
    case 'nothing':
      return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs };
    case 'end': {
      const { phase, reason, message } = plan;
      const { namespace, name } = metadata;
      const finishedAt = iso(clock.now());
      const status = {
        phase,
        reason,
        message,
        finishedAt,
        step: 'failed',
        progress: progressOf({ step: 'failed' }),
      };
      const body = { apiVersion: API_VERSION, kind: ASSIGNMENT.kind, metadata: { name, namespace }, status };
      await api.applyStatus(assignmentRef(namespace, name), body);
      log.warn(`${spec.operation} ended: ${reason}: ${message}`, { assignment: `${namespace}/${name}` });
      metrics.operations.inc({ operation: spec.operation, outcome: phase.toLowerCase(), reason });
      return undefined;
    }
    default:
      return unreachable(plan);
  }
}
