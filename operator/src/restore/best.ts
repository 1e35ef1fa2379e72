/** Of several checkpoints that would do, the one that a pod is restored from: admission and reconciler choose the same; pure. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';

/** A Ready one before one that is to be, that before one that has failed; one that is being deleted is the last of all. */
function rank({ metadata, status }: DynamoCheckpoint): number {
  if (metadata.deletionTimestamp !== undefined) return 4;
  const usable = ['Ready', 'Creating', 'Pending'].indexOf(status?.phase ?? 'Pending');
  return usable === -1 ? 3 : usable;
}

/** The older before the younger. */
export function best(checkpoints: readonly DynamoCheckpoint[]): DynamoCheckpoint | undefined {
  const age = ({ metadata }: DynamoCheckpoint) => new Date(metadata.creationTimestamp ?? 0).getTime();
  return [...checkpoints].sort((a, b) => rank(a) - rank(b) || age(a) - age(b))[0];
}
