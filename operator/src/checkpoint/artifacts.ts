/** The artifacts of a checkpoint that may lie in the store, with who still reads them and what is being done about them; pure. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { isFinal } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { reason } from '@dynamo-snapshot/api/names';
import { disposalName } from './capture';

export interface HeldArtifact {
  readonly uid: string;
  /** The one that pods are restored from. */
  readonly current: boolean;
  /** Where it was captured; any node can reach it. */
  readonly nodeName?: string;
  /** Restores that are under way. */
  readonly readers: number;
  /** When it was replaced. */
  readonly since?: string;
  /** Names of the capture assignments that made it. */
  readonly madeBy: readonly string[];
  readonly deletion?: SnapshotAssignment;
  readonly retention?: SnapshotAssignment;
}

/** A capture that ended like this may have published its artifact all the same. */
const UNCERTAIN: readonly string[] = [reason.nodeLost, reason.agentMissing, reason.deadlineExceeded];

export function heldArtifacts(
  checkpoint: DynamoCheckpoint,
  assignments: readonly SnapshotAssignment[],
): readonly HeldArtifact[] {
  const { artifact, source, retired = [] } = checkpoint.status ?? {};
  const known = [
    ...(artifact === undefined ? [] : [{ uid: artifact.uid, nodeName: source?.nodeName, current: true }]),
    ...retired.map(({ uid, nodeName, since }) => ({ uid, nodeName, since, current: false })),
    ...assignments.filter(mayHavePublished).map(({ spec }) => ({
      uid: spec.artifact?.uid ?? '',
      nodeName: spec.nodeName,
      current: false,
    })),
  ];
  return known
    .filter(({ uid }, i) => known.findIndex((k) => k.uid === uid) === i)
    .map((k) => withAssignments(k, checkpoint, assignments));
}

function mayHavePublished({ spec, status }: SnapshotAssignment): boolean {
  if (spec.operation !== 'Capture') return false;
  return status?.phase === 'Succeeded' || UNCERTAIN.includes(status?.reason ?? '');
}

interface Known {
  readonly uid: string;
  readonly current: boolean;
  readonly nodeName?: string | undefined;
  readonly since?: string | undefined;
}

function withAssignments(
  { uid, current, nodeName, since }: Known,
  checkpoint: DynamoCheckpoint,
  assignments: readonly SnapshotAssignment[],
): HeldArtifact {
  const named = (name: string) => assignments.find((a) => a.metadata.name === name);
  const deletion = named(disposalName(checkpoint, 'Delete', uid));
  const retention = named(disposalName(checkpoint, 'Retain', uid));
  return {
    uid,
    current,
    readers: assignments.filter((a) => reads(a, uid)).length,
    madeBy: assignments.filter((a) => makes(a, uid)).map((a) => a.metadata.name),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(since === undefined ? {} : { since }),
    ...(deletion === undefined ? {} : { deletion }),
    ...(retention === undefined ? {} : { retention }),
  };
}

const makes = ({ spec }: SnapshotAssignment, uid: string): boolean =>
  spec.operation === 'Capture' && spec.artifact?.uid === uid;

const reads = ({ spec, status }: SnapshotAssignment, uid: string): boolean =>
  spec.operation === 'Restore' && spec.artifact?.uid === uid && !isFinal(status?.phase);
