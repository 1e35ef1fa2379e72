/** How a DynamoCheckpoint leaves: no capture may run any more, and its artifacts are gone, before the finalizer is; pure and total. */
import { isFinal } from '@dynamo-snapshot/api/assignment';
import { ARTIFACT_FINALIZER } from '@dynamo-snapshot/api/names';
import type { Instant } from '@dynamo-snapshot/api/time';
import { decideDisposal } from './disposal';
import type { Observed } from './observe';
import type { EndPlan, Nothing } from './plan';

export function decideDeletion(seen: Observed, now: Instant): Nothing | EndPlan {
  const { checkpoint, capture, artifacts, aliveNodes } = seen;
  if (checkpoint.metadata.finalizers?.includes(ARTIFACT_FINALIZER) !== true) return { do: 'nothing' };
  if (capture !== undefined && !isFinal(capture.status?.phase))
    return capture.spec.cancelled === true ? { do: 'nothing' } : { do: 'cancelCapture', capture };
  const retain = checkpoint.spec.retention?.deletionPolicy === 'Retain';
  for (const artifact of artifacts) {
    const operation = retain && artifact.current ? 'Retain' : 'Delete';
    const plan = decideDisposal(artifact, operation, aliveNodes, now);
    if (plan !== 'done') return plan;
  }
  return { do: 'release' };
}
