/** Objects of a cluster with defaults that a test overrides. */
import type { AssignmentStatus, SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { CheckpointStatus, DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { API_VERSION, ASSIGNMENT, CHECKPOINT } from '@dynamo-snapshot/api/names';

export const UID = '11111111-2222-3333-4444-555555555555';
export const HASH = '0123456789abcdef';

export const readyStatus: CheckpointStatus = {
  phase: 'Ready',
  identityHash: HASH,
  location: `default/${HASH}/${UID}`,
  podName: 'worker-0',
  artifact: { uid: UID, digest: `sha256:${'a'.repeat(64)}`, sizeBytes: 3 * 2 ** 30, size: '3Gi' },
  source: { nodeName: 'node-a', podName: 'worker-0', image: 'worker:1', criuVersion: '4.2' },
  timings: [
    { step: 'observe', seconds: 0.05 },
    { step: 'dump', seconds: 2.5 },
    { step: 'paused', seconds: 0.74 },
  ],
  restores: { succeeded: 12, failed: 1 },
};

export const checkpoint = (name: string, status?: CheckpointStatus): DynamoCheckpoint => ({
  apiVersion: API_VERSION,
  kind: CHECKPOINT.kind,
  metadata: { name, namespace: 'default', uid: UID, creationTimestamp: '2026-11-28T11:57:00Z' },
  spec: { identity: { model: 'Qwen/Qwen3-0.6B', backendFramework: 'vllm' }, source: { podName: 'worker-0' } },
  ...(status === undefined ? {} : { status }),
});

export const assignment = (
  name: string,
  status?: AssignmentStatus,
  spec: Partial<SnapshotAssignment['spec']> = {},
): SnapshotAssignment => ({
  apiVersion: API_VERSION,
  kind: ASSIGNMENT.kind,
  metadata: { name, namespace: 'default', uid: UID },
  spec: {
    nodeName: 'node-a',
    operation: 'Capture',
    checkpoint: { name: 'qwen3' },
    artifact: { identityHash: HASH, uid: UID },
    pod: { name: 'worker-0', uid: UID },
    deadlineSeconds: 600,
    ...spec,
  },
  ...(status === undefined ? {} : { status }),
});
