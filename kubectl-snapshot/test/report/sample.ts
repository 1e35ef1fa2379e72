/** A cluster with a history: what the golden page and the pictures of the docs show. */
import type { V1Pod } from '@kubernetes/client-node';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { annotation } from '@dynamo-snapshot/api/names';
import type { Sources } from '../../src/report/model';
import { assignment, checkpoint, readyStatus } from '../objects';

const T0 = Date.parse('2026-11-28T11:50:00Z');
const at = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString();

const captureSteps = [
  { step: 'observe', seconds: 0.06 },
  { step: 'files', seconds: 0.11 },
  { step: 'dump', seconds: 2.9 },
  { step: 'paused', seconds: 0.74 },
  { step: 'digest', seconds: 1.6 },
  { step: 'publish', seconds: 0.4 },
  { step: 'total', seconds: 4.96 },
];

const restore = (pod: string, node: string, begin: number, criu: number): SnapshotAssignment =>
  assignment(
    `restore-${pod}`,
    {
      phase: 'Succeeded',
      startedAt: at(begin),
      finishedAt: at(begin + criu + 1.1),
      receipt: { artifactDigest: '', restoredPid: 2, bytes: 3 * 2 ** 30, steps: [] },
      timings: [
        { step: 'verify', seconds: 0.3 },
        { step: 'attach', seconds: 0.1 },
        { step: 'criu', seconds: criu },
        { step: 'prove', seconds: 0.2 },
      ],
    },
    { operation: 'Restore', nodeName: node, pod: { name: pod, uid: pod } },
  );

const pod = (name: string, started: number, ready: number, from?: string): V1Pod => ({
  metadata: {
    name,
    namespace: 'default',
    ...(from ? { annotations: { [annotation.restoreFrom]: from } } : {}),
  },
  status: {
    startTime: new Date(T0 + started * 1000),
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: new Date(T0 + ready * 1000) }],
  },
});

export const sample: Sources = {
  title: 'namespace default',
  checkpoints: [
    checkpoint('qwen3', {
      ...readyStatus,
      createdAt: at(65),
      timings: captureSteps,
      restores: { succeeded: 3, failed: 1 },
    }),
    checkpoint('<b>llama</b>', { phase: 'Creating', progress: { step: 'dump', summary: 'dump 45%' } }),
  ],
  assignments: [
    assignment('capture-qwen3', {
      phase: 'Succeeded',
      startedAt: at(60),
      finishedAt: at(65),
      timings: captureSteps,
      artifact: { digest: '', sizeBytes: 3 * 2 ** 30 },
    }),
    restore('worker-1', 'node-b', 90, 2.4),
    restore('worker-2', 'node-b', 91, 2.9),
    restore('worker-3', 'node-a', 120, 1.2),
    assignment(
      'restore-worker-4',
      {
        phase: 'Failed',
        startedAt: at(140),
        finishedAt: at(141),
        reason: 'ImageMismatch',
        message: 'another image',
        timings: [{ step: 'verify', seconds: 0.3 }],
      },
      { operation: 'Restore', nodeName: 'node-a', pod: { name: 'worker-4', uid: 'w4' } },
    ),
    assignment(
      'delete-old',
      { phase: 'Succeeded', startedAt: at(10), finishedAt: at(11) },
      { operation: 'Delete' },
    ),
  ],
  pods: [
    pod('worker-0', 0, 52),
    pod('worker-1', 88, 95, 'qwen3'),
    pod('worker-2', 88, 96, 'qwen3'),
    pod('worker-3', 118, 123, 'qwen3'),
    pod('something-else', 0, 5),
  ],
};

export const SAMPLE_NOW = T0 + 600_000;
