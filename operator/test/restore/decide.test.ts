import type { V1Pod } from '@kubernetes/client-node';
import type { AssignmentStatus } from '@dynamo-snapshot/api/assignment';
import { decide } from '../../src/restore/decide';
import { observe } from '../../src/restore/observe';
import { assignment, caches, checkpoint, CONTAINER_ID, pod } from '../objects';

type World = Parameters<typeof caches>[0];
const artifact = { uid: 'u', digest: 'd', sizeBytes: 1, size: '1B' };
const ready = checkpoint({ status: { phase: 'Ready', artifact, identityHash: 'h' } });
const asking = pod('p', { annotations: { 'nvidia.com/restore-from': 'one' } });
const byHash = pod('p', {
  labels: { 'nvidia.com/snapshot-is-restore-target': 'true', 'nvidia.com/snapshot-checkpoint-hash': 'h' },
});
const NAME = `restore-p-${CONTAINER_ID.slice(0, 10)}`;
const receipt = {
  artifactDigest: '',
  restoredPid: 22,
  hostPid: 4711,
  steps: [],
  tree: [{ hostPid: 4711, startTime: '9', pid: 1, name: 'python3' }],
  proof: { processes: 1, threads: 4, descriptors: 9, listening: 1, locks: 0 },
};
const { proof, ...withoutProof } = receipt;
const succeeded = (given: AssignmentStatus['receipt'] | undefined) =>
  assignment(NAME, {
    phase: 'Succeeded',
    timings: [{ step: 'total', seconds: 2 }],
    ...(given === undefined ? {} : { receipt: given }),
  });
const told = (status: string, why: string, event = why) => ({
  do: 'tell',
  condition: { type: 'nvidia.com/Restored', status, reason: why },
  event: { type: status === 'True' ? 'Normal' : 'Warning', reason: event },
});

describe('a pod that asks to be restored', () => {
  it.each<[string, V1Pod, World, object]>([
    ['hears that there is no such checkpoint', asking, {}, told('False', 'CheckpointNotFound')],
    [
      'hears that it is not Ready',
      asking,
      { checkpoints: [checkpoint()] },
      told('False', 'CheckpointNotReady'),
    ],
    [
      'hears that it has failed',
      asking,
      { checkpoints: [checkpoint({ status: { phase: 'Failed' } })] },
      told('False', 'CheckpointFailed'),
    ],
    [
      'is not restored from one that is being deleted',
      asking,
      {
        checkpoints: [
          { ...ready, metadata: { ...ready.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
        ],
      },
      told('False', 'CheckpointNotReady'),
    ],
    ['is assigned', asking, { checkpoints: [ready] }, { do: 'assign', target: { nodeName: 'node-a' } }],
    [
      'may ask by hash',
      byHash,
      { checkpoints: [ready] },
      { do: 'assign', checkpoint: { metadata: { name: 'one' } } },
    ],
    [
      'waits for its agent',
      asking,
      { checkpoints: [ready], assignments: [assignment(NAME)] },
      { do: 'nothing' },
    ],
    ['hears of success', asking, { assignments: [succeeded(receipt)] }, told('True', 'RestoreSucceeded')],
    [
      'hears what could not be given back',
      asking,
      { assignments: [succeeded({ ...receipt, notes: ['a limit'] })] },
      { condition: { status: 'True', message: 'restored in 2.00s on node node-a; a limit' } },
    ],
    [
      'does not believe a success without a receipt',
      asking,
      { assignments: [succeeded(undefined)] },
      told('False', 'RestoreUnproven', 'RestoreFailed'),
    ],
    [
      'does not believe a receipt that nobody has looked at',
      asking,
      { assignments: [succeeded(withoutProof)] },
      told('False', 'RestoreUnproven', 'RestoreFailed'),
    ],
    [
      'does not believe a receipt for another artifact',
      asking,
      { assignments: [succeeded({ ...receipt, artifactDigest: 'other' })] },
      told('False', 'RestoreUnproven', 'RestoreFailed'),
    ],
    [
      'does not believe a receipt that leaves a process out',
      asking,
      { assignments: [succeeded({ ...withoutProof, proof, tree: [] })] },
      told('False', 'RestoreUnproven', 'RestoreFailed'),
    ],
    [
      "hears of failure in the agent's words",
      asking,
      { assignments: [assignment(NAME, { phase: 'Failed', reason: 'Torn', message: 'pages-1.img' })] },
      told('False', 'Torn', 'RestoreFailed'),
    ],
    [
      'waits until its container runs',
      { ...asking, status: {} },
      { checkpoints: [ready] },
      { do: 'nothing' },
    ],
    [
      'hears that nobody knows which container',
      { ...asking, spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
      { checkpoints: [ready] },
      told('False', 'TargetContainerNotFound'),
    ],
  ])('%s', (_, it, world, plan) => {
    const seen = observe(it, caches(world));
    expect(seen && decide(seen)).toMatchObject(plan);
  });

  it('is another pod where nothing asks', () => {
    expect(observe(pod('p'), caches({ checkpoints: [ready] }))).toBeUndefined();
  });
});
