/** How a DynamoCheckpoint leaves: no capture may run any more, and its artifact is gone, before the finalizer is; pure and total. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { isFinal } from '@dynamo-snapshot/api/assignment';
import { ARTIFACT_FINALIZER } from '@dynamo-snapshot/api/names';
import type { Instant } from '@dynamo-snapshot/api/time';
import type { Observed } from './observe';
import type { EndPlan, Nothing } from './plan';

/** A deletion that failed is tried again after this. */
const RETRY_DELETE_MS = 30_000;
/** A cancelled capture that no agent has taken by then never begins: the node is gone, or has no agent. */
const NEVER_TAKEN_MS = 60_000;

export function decideDeletion(seen: Observed, now: Instant): Nothing | EndPlan {
  const { checkpoint, capture, deletion } = seen;
  if (checkpoint.metadata.finalizers?.includes(ARTIFACT_FINALIZER) !== true) return { do: 'nothing' };
  if (capture !== undefined && !isFinal(capture.status?.phase)) return stop(seen, capture, now);
  const nodeName = artifactNode(seen);
  if (nodeName === undefined || checkpoint.spec.retention?.deletionPolicy === 'Retain')
    return { do: 'release' };
  return deletion === undefined ? { do: 'assignDelete', nodeName } : decideFrom(deletion, now);
}

function stop({ checkpoint }: Observed, capture: SnapshotAssignment, now: Instant): Nothing | EndPlan {
  if (capture.spec.cancelled !== true) return { do: 'cancelCapture', capture };
  if (capture.status?.phase !== undefined) return { do: 'nothing' };
  const left = NEVER_TAKEN_MS - (now - Date.parse(String(checkpoint.metadata.deletionTimestamp)));
  return left > 0 ? { do: 'nothing', requeueAfterMs: left } : { do: 'release' };
}

/** A node from which the artifact can be deleted; undefined where there is no artifact. */
function artifactNode({ checkpoint: { status }, capture }: Observed): string | undefined {
  if (status?.artifact === undefined && capture?.status?.phase !== 'Succeeded') return undefined;
  return status?.source?.nodeName ?? capture?.spec.nodeName;
}

function decideFrom(deletion: SnapshotAssignment, now: Instant): Nothing | EndPlan {
  const { status } = deletion;
  if (status?.phase === 'Succeeded') return { do: 'release' };
  if (status === undefined || !isFinal(status.phase)) return { do: 'nothing' };
  const left = RETRY_DELETE_MS - (now - Date.parse(status.finishedAt ?? '1970-01-01T00:00:00Z'));
  return left > 0
    ? { do: 'tellDeleteFailed', message: status.message ?? '', requeueAfterMs: left }
    : { do: 'deleteAgain', deletion };
}
