/** What the tests of the decisions about a checkpoint start from: objects in the states that they go through. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { captureKey } from '../../src/checkpoint/capture';
import { decide } from '../../src/checkpoint/decide';
import { observe } from '../../src/checkpoint/observe';
import type { CacheContents } from '../objects';
import { caches, checkpoint, job, NOW, pod, UID } from '../objects';

export const CAPTURE = 'capture-one-11111111';
export const DELETE = 'delete-one-11111111';
export const RETAIN = 'retain-one-11111111';
export const DIGEST = `sha256:${'d'.repeat(64)}`;
export const artifact = { uid: UID, digest: DIGEST, sizeBytes: 1, size: '1B', version: 1 };
export const succeeded = { phase: 'Succeeded', artifact: { digest: DIGEST, sizeBytes: 1 } } as const;
export const leaving = { deletionTimestamp: '2026-01-01T00:09:50Z' };

export type World = CacheContents;
export type Status = NonNullable<DynamoCheckpoint['status']>;
export type Outcome = 'Succeeded' | 'Failed';

export const decided = (it: DynamoCheckpoint, world: World = {}) =>
  decide(observe(it, caches({ ...world, checkpoints: [it, ...(world.checkpoints ?? [])] })), NOW);

/** With what its spec asks for written down, as after the first look. */
export function begun(
  it: DynamoCheckpoint,
  status: Status = {},
  outcome?: Outcome,
  version = 1,
): DynamoCheckpoint {
  const capture = { key: captureKey(it), version, attempt: 1, ...(outcome ? { outcome } : {}) };
  return { ...it, status: { capture, ...status } };
}

export const one = (status?: Status) => begun(checkpoint(), status);
export const withJob = (status?: Status, outcome?: Outcome) =>
  begun(checkpoint({ spec: { job: job({ backoffLimit: 2, activeDeadlineSeconds: 900 }) } }), status, outcome);
export const ready = (more: Status = {}): Status => ({
  phase: 'Ready',
  createdAt: '2026-01-01T00:09:30Z',
  artifact,
  source: { nodeName: 'node-a', image: 'worker:1', imageDigest: `repo@sha256:${'1'.repeat(64)}` },
  ...more,
});
export const jobMade = (at: string) => ({
  jobName: 'checkpoint-one',
  conditions: [
    { type: 'JobCreated', status: 'True' as const, reason: '', message: '', lastTransitionTime: at },
  ],
});
export const older = (more: object = {}) =>
  checkpoint({ metadata: { name: 'old', uid: 'old', creationTimestamp: '2025-01-01T00:00:00Z' }, ...more });
export const withImage = (p: ReturnType<typeof pod>, digit: string): ReturnType<typeof pod> => ({
  ...p,
  spec: { ...p.spec, containers: [{ name: 'main', image: 'worker:2' }] },
  status: {
    ...p.status,
    containerStatuses: (p.status?.containerStatuses ?? []).map((c) => ({
      ...c,
      imageID: `repo@sha256:${digit.repeat(64)}`,
    })),
  },
});
export const jobPod = (more: object = {}) => ({
  ...pod('p', { labels: { 'batch.kubernetes.io/controller-uid': 'job-uid' } }),
  ...more,
});
export const ofPod = { pod: { name: 'p', uid: 'uid-p' } };
export const old = { creationTimestamp: '2026-01-01T00:09:00Z' };

export type Row = [string, DynamoCheckpoint, World, object];
export const table = (rows: readonly Row[]) =>
  it.each([...rows])('%s', (_, it_, world, plan) => expect(decided(it_, world)).toMatchObject(plan));
