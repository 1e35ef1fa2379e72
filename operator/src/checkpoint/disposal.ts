/** How an artifact leaves the store, or is marked to stay: by any node with an agent, once nobody reads it; pure. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { isFinal } from '@dynamo-snapshot/api/assignment';
import { reason } from '@dynamo-snapshot/api/names';
import type { Instant } from '@dynamo-snapshot/api/time';
import type { HeldArtifact } from './artifacts';
import type { Disposal, EndPlan, Nothing } from './plan';

/** A deletion that failed is tried again after this. */
const RETRY_MS = 30_000;
/** An assignment that nobody took, and whose node has no agent (any more), goes to another node after this. */
const TAKEN_WITHIN_MS = 15_000;

export function decideDisposal(
  artifact: HeldArtifact,
  operation: Disposal,
  aliveNodes: readonly string[],
  now: Instant,
): 'done' | Nothing | EndPlan {
  const assignment = operation === 'Delete' ? artifact.deletion : artifact.retention;
  if (assignment !== undefined) return decideFrom(assignment, aliveNodes, now);
  if (operation === 'Delete' && artifact.readers > 0) return { do: 'nothing' };
  const own = artifact.nodeName !== undefined && aliveNodes.includes(artifact.nodeName);
  const nodeName = own ? artifact.nodeName : aliveNodes[0];
  if (nodeName !== undefined) return { do: 'dispose', operation, artifact: artifact.uid, nodeName };
  const message = `no node has a snapshot agent that could reach the store; without the finalizer the artifact stays there`;
  return { do: 'tell', reason: reason.agentMissing, message, requeueAfterMs: RETRY_MS };
}

function decideFrom(
  assignment: SnapshotAssignment,
  aliveNodes: readonly string[],
  now: Instant,
): 'done' | Nothing | EndPlan {
  const { metadata, spec, status } = assignment;
  if (status?.phase === 'Succeeded') return 'done';
  if (isFinal(status?.phase)) {
    const left = RETRY_MS - (now - Date.parse(status?.finishedAt ?? '1970-01-01T00:00:00Z'));
    if (left <= 0) return { do: 'withdraw', assignment };
    const message = status?.message ?? '';
    return { do: 'tell', reason: reason.artifactDeleteFailed, message, requeueAfterMs: left };
  }
  // Of one that runs, its agent may only be starting again: the watchdog ends it where the node is lost (docs/adr/0030).
  if (status?.phase === 'Running' || aliveNodes.includes(spec.nodeName))
    return { do: 'nothing', requeueAfterMs: TAKEN_WITHIN_MS };
  const made = metadata.creationTimestamp;
  const left = TAKEN_WITHIN_MS - (made === undefined ? 0 : now - Date.parse(String(made)));
  if (left > 0) return { do: 'nothing', requeueAfterMs: left };
  return aliveNodes.length > 0
    ? { do: 'withdraw', assignment }
    : { do: 'nothing', requeueAfterMs: TAKEN_WITHIN_MS };
}
