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
  const { namespace, name } = metadata;
  const seen = await untilItWaits(cluster, metadata);
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

const readyReason = ({ status }: DynamoCheckpoint): string | undefined =>
  findCondition(status?.conditions, condition.ready)?.reason;

/** Throws where the operator refuses it, or has not said so within a minute. */
async function untilItWaits(
  cluster: Cluster,
  { namespace, name, uid }: DynamoCheckpoint['metadata'],
): Promise<DynamoCheckpoint> {
  const what = { ...checkpoints(namespace), fieldSelector: `metadata.name=${name}` };
  let last: DynamoCheckpoint | undefined;
  const seen = await cluster.follow<DynamoCheckpoint, DynamoCheckpoint>(
    what,
    AbortSignal.timeout(OPERATOR_MS),
    (list) => {
      last = list.find((c) => c.metadata.uid === uid);
      if (last?.status?.phase === 'Failed') throw refused(last);
      return last !== undefined && readyReason(last) === reason.sourcePodNotFound ? last : undefined;
    },
  );
  if (seen !== undefined) return seen;
  throw last?.status?.phase === undefined ? silentAbout(name) : refused(last);
}

const silentAbout = (name: string): TerminalError =>
  new TerminalError(
    'OperatorSilent',
    `the operator has not looked at checkpoint ${name}: kubectl snapshot doctor tells why`,
  );

function refused(checkpoint: DynamoCheckpoint): TerminalError {
  const { phase, message = '' } = checkpoint.status ?? {};
  const why = readyReason(checkpoint) ?? reason.checkpointFailed;
  const words = `the operator does not take checkpoint ${checkpoint.metadata.name}, which is ${phase}`;
  return new TerminalError(why, `${words}: ${why}: ${message}`);
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
