/** A checkpoint whose artifact came another way than by a capture. */
import { CustomObjectsApi, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { CheckpointStatus, DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { findCondition } from '@dynamo-snapshot/api/conditions';
import { during, TerminalError } from '@dynamo-snapshot/api/errors';
import { CHECKPOINT, condition, GROUP, reason, VERSION } from '@dynamo-snapshot/api/names';
import type { Cluster } from './cluster';
import { checkpoints } from './cluster';

const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
const ours = { group: GROUP, version: VERSION, plural: CHECKPOINT.plural } as const;

const OPERATOR_MS = 60_000;

const imported = (lastTransitionTime: string) => ({
  status: 'True',
  reason: reason.checkpointReady,
  message: 'imported from an archive',
  lastTransitionTime,
});

/**
 * Says Ready. First the operator has to have said that there is no
 * pod to capture: from then on it waits, and writes nothing over this.
 */
export async function markReady(
  cluster: Cluster,
  { metadata }: DynamoCheckpoint,
  status: CheckpointStatus,
): Promise<void> {
  const { namespace, name, uid } = metadata;
  const what = { ...checkpoints(namespace), fieldSelector: `metadata.name=${name}` };
  const waits = ({ status: s }: DynamoCheckpoint) =>
    findCondition(s?.conditions, condition.ready)?.reason === reason.sourcePodNotFound;
  const seen = await cluster.follow<DynamoCheckpoint, DynamoCheckpoint>(
    what,
    AbortSignal.timeout(OPERATOR_MS),
    (list) => list.find((c) => c.metadata.uid === uid && waits(c)),
  );
  if (seen === undefined)
    throw new TerminalError(
      'OperatorSilent',
      `the operator has not looked at checkpoint ${name}: kubectl snapshot doctor tells why`,
    );
  const conditions = seen.status?.conditions?.map((c) =>
    c.type === condition.ready || c.type === condition.captured
      ? { ...c, ...imported(status.createdAt ?? c.lastTransitionTime) }
      : c,
  );
  const capture = seen.status?.capture;
  const body = {
    metadata: { resourceVersion: seen.metadata.resourceVersion },
    status: {
      ...status,
      conditions,
      ...(capture === undefined ? {} : { capture: { ...capture, outcome: 'Succeeded' } }),
    },
  };
  const api = cluster.config.makeApiClient(CustomObjectsApi);
  const at = { ...ours, namespace, name, body };
  await during(`set the status of checkpoint ${name}`, () =>
    api.patchNamespacedCustomObjectStatus(at, merge),
  );
}

/** Without its artifact, which the one who asks has removed. */
export async function dropCheckpoint(cluster: Cluster, namespace: string, name: string): Promise<void> {
  const api = cluster.config.makeApiClient(CustomObjectsApi);
  const at = { ...ours, namespace, name };
  await during(`delete checkpoint ${name}`, async () => {
    await api.patchNamespacedCustomObject({ ...at, body: { metadata: { finalizers: null } } }, merge);
    await api.deleteNamespacedCustomObject(at);
  });
}
