import type { AssignmentStatus } from '@dynamo-snapshot/api/assignment';
import type { V1Pod } from '@kubernetes/client-node';
import { observe } from '../../src/restore/observe';
import { caches, checkpoint, pod } from '../objects';
import type { World } from './pods';
import {
  byHand,
  byHash,
  decided,
  failed,
  failedTo,
  given,
  NAME,
  ordinary,
  ready,
  receipt,
  told,
} from './pods';

const { proof, ...withoutProof } = receipt;
const succeeded = (by: AssignmentStatus['receipt'] | undefined) =>
  given(NAME, {
    phase: 'Succeeded',
    timings: [{ step: 'total', seconds: 2 }],
    ...(by === undefined ? {} : { receipt: by }),
  });

describe('a pod that asks to be restored', () => {
  it.each<[string, V1Pod, World, object]>([
    ['hears that there is no such checkpoint', byHand, {}, told('False', 'CheckpointNotFound')],
    [
      'hears that it is not Ready',
      byHand,
      { checkpoints: [checkpoint()] },
      told('False', 'CheckpointNotReady'),
    ],
    [
      'hears that it has failed',
      byHand,
      { checkpoints: [checkpoint({ status: { phase: 'Failed' } })] },
      told('False', 'CheckpointFailed'),
    ],
    [
      'is not restored from one that is being deleted',
      byHand,
      {
        checkpoints: [
          { ...ready, metadata: { ...ready.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
        ],
      },
      told('False', 'CheckpointNotReady'),
    ],
    ['is assigned', byHand, { checkpoints: [ready] }, { do: 'assign', target: { nodeName: 'node-a' } }],
    [
      'may ask by hash',
      byHash,
      { checkpoints: [ready] },
      { do: 'assign', checkpoint: { metadata: { name: 'one' } } },
    ],
    [
      'hears of success',
      byHand,
      { assignments: [succeeded(receipt)] },
      told('True', 'RestoreSucceeded', { settled: true }),
    ],
    [
      'hears what could not be given back',
      byHand,
      { assignments: [succeeded({ ...receipt, notes: ['a limit'] })] },
      { condition: { status: 'True', message: 'restored in 2.00s on node node-a; a limit' } },
    ],
    [
      "hears of failure in the agent's words",
      byHand,
      { assignments: [given(NAME, failed('Torn'))] },
      failedTo('Torn'),
    ],
    [
      'hears that nobody knows which container',
      { ...byHand, spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
      { checkpoints: [ready] },
      told('False', 'TargetContainerNotFound'),
    ],
    [
      'hears that it runs its own command',
      ordinary,
      { checkpoints: [ready] },
      told('False', 'NotAPlaceholder', { settled: true }),
    ],
    [
      'hears why admission left it as it was, also where it was only selected',
      pod('p', { annotations: { 'nvidia.com/snapshot-not-restored': 'CheckpointNotReady: it is Creating' } }),
      {},
      told('False', 'CheckpointNotReady', { condition: { message: 'it is Creating' } }),
    ],
  ])('%s', (_, it, world, plan) => expect(decided(it, world)).toMatchObject(plan));

  it('is another pod where nothing asks', () => {
    expect(observe(pod('p'), caches({ checkpoints: [ready] }))).toBeUndefined();
  });
});

describe('a pod whose agent says that it restored it', () => {
  it.each<[string, AssignmentStatus['receipt'] | undefined]>([
    ['a success without a receipt', undefined],
    ['a receipt that nobody has looked at', withoutProof],
    ['a receipt for another artifact', { ...receipt, artifactDigest: 'other' }],
    ['a receipt that leaves a process out', { ...withoutProof, proof, tree: [] }],
  ])('does not believe %s, and is not Ready', (_, by) =>
    expect(decided(byHand, { assignments: [succeeded(by)] })).toMatchObject(
      failedTo('RestoreUnproven', { settled: false }),
    ),
  );
});
