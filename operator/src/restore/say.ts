/** What a pod's condition says; pure. */
import type { AssignmentStatus, PodCondition } from '@dynamo-snapshot/api/assignment';
import { reason, RESTORED_CONDITION, SETTLED_CONDITION } from '@dynamo-snapshot/api/names';
import { unproven } from '@dynamo-snapshot/api/receipt';
import { humanSeconds } from '@dynamo-snapshot/api/quantity';
import type { Because, Tell } from './plan';

const condition = (status: PodCondition['status'], { reason: why, message }: Because): PodCondition => ({
  type: RESTORED_CONDITION,
  status,
  reason: why,
  message,
});

/** What an agent says, and has proven. */
export function restored({ receipt, timings }: AssignmentStatus, digest: string, node: string): Tell {
  const lack = unproven(receipt, digest);
  if (lack !== undefined) {
    const message = `the agent says that it restored, but ${lack}`;
    return unrestored({ reason: reason.restoreUnproven, message }, false, reason.restoreFailed);
  }
  const total = timings?.find((t) => t.step === 'total')?.seconds ?? 0;
  const why = reason.restoreSucceeded;
  const message = [`restored in ${humanSeconds(total)} on node ${node}`, ...(receipt?.notes ?? [])].join(
    '; ',
  );
  return {
    do: 'tell',
    condition: condition('True', { reason: why, message }),
    settled: true,
    event: { type: 'Normal', reason: why },
  };
}

/** There is no restore, and which worker runs instead is certain, or not. */
export const unrestored = (because: Because, settled: boolean, event = because.reason): Tell => ({
  do: 'tell',
  condition: condition('False', because),
  settled,
  event: { type: 'Warning', reason: event },
});

/** No restore yet; nothing is given up. */
export const refused = (why: string, message: string): Tell => unrestored({ reason: why, message }, false);

export const waits = (because: Because, requeueAfterMs: number | undefined): Tell => ({
  ...unrestored(because, false),
  ...(requeueAfterMs === undefined ? {} : { requeueAfterMs }),
});

export const restoring = (from: string): PodCondition =>
  condition('Unknown', { reason: reason.restoreRunning, message: `restoring from ${from}` });

/** The gate of a pod that may start cold. */
export const settledCondition = (settled: boolean, because: Because): PodCondition => ({
  type: SETTLED_CONDITION,
  status: settled ? 'True' : 'False',
  reason: because.reason,
  message: settled ? 'it is certain which worker runs' : 'the worker has not been restored or started yet',
});
