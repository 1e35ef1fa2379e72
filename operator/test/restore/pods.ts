/** Pods that ask to be restored, assignments for them, and what is expected of a decision. */
import type { AssignmentStatus } from '@dynamo-snapshot/api/assignment';
import type { StandbyOrders } from '@dynamo-snapshot/api/standby';
import { standbyCommand } from '@dynamo-snapshot/api/standby';
import type { V1Pod } from '@kubernetes/client-node';
import { decide } from '../../src/restore/decide';
import { observe } from '../../src/restore/observe';
import { assignment, caches, checkpoint, CONTAINER_ID, NOW, pod } from '../objects';

export type World = Parameters<typeof caches>[0];
export const artifact = { uid: 'u', digest: 'd', sizeBytes: 1, size: '1B' };
export const ready = checkpoint({ status: { phase: 'Ready', artifact, identityHash: 'h' } });
export const SHORT = CONTAINER_ID.slice(0, 10);
export const NAME = `restore-p-${SHORT}`;
export const END = `end-p-${SHORT}`;

/** As an agent writes it that has looked at what it restored. */
export const receipt = {
  artifactDigest: '',
  restoredPid: 22,
  hostPid: 4711,
  steps: [],
  tree: [{ hostPid: 4711, startTime: '9', pid: 1, name: 'python3' }],
  proof: { processes: 1, threads: 4, descriptors: 9, listening: 1, locks: 0 },
};

export const before = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

export interface Container {
  readonly ago?: number;
  readonly restarts?: number;
  readonly lastExit?: number;
  readonly started?: boolean;
}

/** A placeholder whose container has been running for so many seconds. */
export function placeholder(
  orders: Partial<StandbyOrders>,
  container: Container = {},
  metadata: object = {},
): V1Pod {
  const made = pod('p', { annotations: { 'nvidia.com/restore-from': 'one' }, ...metadata });
  const [main] = made.spec?.containers ?? [];
  const [status] = made.status?.containerStatuses ?? [];
  if (main) main.command = standbyCommand({ command: ['serve'], ...orders });
  const { ago = 2, restarts = 0, lastExit, started = false } = container;
  if (status)
    Object.assign(status, {
      started,
      restartCount: restarts,
      state: { running: { startedAt: before(ago) } },
      ...(lastExit === undefined ? {} : { lastState: { terminated: { exitCode: lastExit } } }),
    });
  return made;
}

/** As the webhook makes it. */
export const shaped = (
  container: Container = {},
  otherwise: 'ColdStart' | 'Fail' = 'ColdStart',
  unclaimedSeconds = 10,
) => placeholder({ otherwise, unclaimedSeconds }, container);
export const byHand = placeholder({});
export const byHash = placeholder(
  {},
  {},
  {
    annotations: {},
    labels: { 'nvidia.com/snapshot-is-restore-target': 'true', 'nvidia.com/snapshot-checkpoint-hash': 'h' },
  },
);
export const ordinary = pod('p', { annotations: { 'nvidia.com/restore-from': 'one' } });

export const told = (status: string, why: string, more: object = {}) => ({
  do: 'tell',
  condition: { type: 'nvidia.com/Restored', status, reason: why },
  event: { type: status === 'True' ? 'Normal' : 'Warning', reason: why },
  ...more,
});
/** An attempt has failed: the event is upstream's, whatever the reason. */
export const failedTo = (why: string, more: object = {}) =>
  told('False', why, { event: { type: 'Warning', reason: 'RestoreFailed' }, ...more });
export const ends = (how: string, why: string) => ({ do: 'end', how, because: { reason: why } });
export const given = (name: string, status?: AssignmentStatus, more: object = {}, ago = 2) => {
  const made = assignment(name, status, { operation: 'Restore', ...more });
  return { ...made, metadata: { ...made.metadata, creationTimestamp: before(ago) } };
};
export const failed = (why: string, more: Partial<AssignmentStatus> = {}): AssignmentStatus => ({
  phase: 'Failed',
  reason: why,
  message: 'said the agent',
  ...more,
});
export const waitsFor = (phase: 'Creating') =>
  checkpoint({ status: { phase }, spec: { restore: { startupPolicy: 'WaitForCheckpoint' } } });

export const decided = (it: V1Pod, world: World) => {
  const seen = observe(it, caches(world));
  return seen && decide(seen, NOW);
};
