/** What to do about a pod that asks to be restored; pure and total. */
import type { AssignmentStatus, PodCondition } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { reason, RESTORED_CONDITION } from '@dynamo-snapshot/api/names';
import { unproven } from '@dynamo-snapshot/api/receipt';
import { humanSeconds } from '@dynamo-snapshot/api/quantity';
import type { RunningContainer } from '../assignment/container';

export interface Observed {
  /** How the pod names its checkpoint, for people. */
  readonly wanted: string;
  /** Undefined while the target container does not run. */
  readonly running?: RunningContainer;
  readonly targetFound: boolean;
  readonly checkpoint?: DynamoCheckpoint;
  /** Status of the assignment for the container that runs now; absent = there is none. */
  readonly assignment?: { readonly status?: AssignmentStatus; readonly artifactDigest: string };
}

export type Plan =
  | { readonly do: 'nothing' }
  | { readonly do: 'assign'; readonly checkpoint: DynamoCheckpoint; readonly target: RunningContainer }
  | { readonly do: 'tell'; readonly condition: PodCondition; readonly event: Told };

interface Told {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
}

export function decide(seen: Observed): Plan {
  if (!seen.targetFound)
    return refuse(reason.targetContainerNotFound, 'the pod does not say which container to restore');
  if (seen.running === undefined) return { do: 'nothing' };
  if (seen.assignment !== undefined) return mirror(seen.assignment, seen.running.nodeName);
  return decideCheckpoint(seen.checkpoint, seen.wanted, seen.running);
}

function decideCheckpoint(
  checkpoint: DynamoCheckpoint | undefined,
  wanted: string,
  target: RunningContainer,
): Plan {
  if (checkpoint === undefined)
    return refuse(reason.checkpointNotFound, `DynamoCheckpoint ${wanted} does not exist in this namespace`);
  if (checkpoint.metadata.deletionTimestamp !== undefined)
    return refuse(reason.checkpointNotReady, `DynamoCheckpoint ${wanted} is being deleted`);
  const { phase, message, artifact } = checkpoint.status ?? {};
  if (phase === 'Failed')
    return refuse(reason.checkpointFailed, `DynamoCheckpoint ${wanted} has failed: ${message ?? ''}`);
  if (phase !== 'Ready' || artifact === undefined)
    return refuse(
      reason.checkpointNotReady,
      `DynamoCheckpoint ${wanted} is ${phase ?? 'Pending'}; restored when it is Ready`,
    );
  return { do: 'assign', checkpoint, target };
}

function mirror({ status, artifactDigest }: NonNullable<Observed['assignment']>, node: string): Plan {
  if (status?.phase === 'Succeeded') {
    const lack = unproven(status.receipt, artifactDigest);
    if (lack !== undefined)
      return told('False', reason.restoreUnproven, `the agent says that it restored, but ${lack}`, {
        type: 'Warning',
        reason: reason.restoreFailed,
      });
    const total = status.timings?.find((t) => t.step === 'total')?.seconds ?? 0;
    const { notes = [], skipped = [] } = status.receipt ?? {};
    const message = [
      `restored in ${humanSeconds(total)} on node ${node}`,
      ...notes,
      ...skipped.map((what) => `not minded: ${what}`),
    ].join('; ');
    const why = reason.restoreSucceeded;
    return told('True', why, message, { type: 'Normal', reason: why });
  }
  if (status?.phase === 'Failed' || status?.phase === 'Cancelled')
    return told('False', status.reason ?? reason.restoreFailed, status.message ?? 'the restore failed', {
      type: 'Warning',
      reason: reason.restoreFailed,
    });
  return { do: 'nothing' };
}

const refuse = (why: string, message: string): Plan =>
  told('False', why, message, { type: 'Warning', reason: why });

const told = (status: PodCondition['status'], why: string, message: string, event: Told): Plan => ({
  do: 'tell',
  condition: { type: RESTORED_CONDITION, status, reason: why, message },
  event,
});
