/** Does what was decided about the work on a pod. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { statusOf } from '@dynamo-snapshot/controller/api';
import type { Parts } from '../parts';
import { assignmentRef } from '../parts';
import type { Plan } from './decide';

export async function apply(
  plan: Plan,
  { metadata }: SnapshotAssignment,
  { api, log }: Parts,
): Promise<void> {
  if (plan.do === 'nothing') return;
  const { namespace, name } = metadata;
  log.info(`${namespace}/${name} is cancelled: its pod leaves`);
  try {
    await api.patch(assignmentRef(namespace, name), { spec: { cancelled: true } });
  } catch (error) {
    // It goes with its owner.
    if (statusOf(error) !== 404) throw error;
  }
}
