import type { V1Pod } from '@kubernetes/client-node';
import { checkpoint } from '../objects';
import type { World } from './pods';
import {
  byHand,
  decided,
  END,
  ends,
  failed,
  failedTo,
  given,
  NAME,
  ready,
  shaped,
  told,
  waitsFor,
  placeholder,
} from './pods';

describe('a placeholder that may start cold', () => {
  it.each<[string, V1Pod, World, object]>([
    [
      'is assigned with what its agent does when it fails',
      shaped(),
      { checkpoints: [ready] },
      { do: 'assign', attempt: { number: 1, last: false, fallback: 'ColdStart' } },
    ],
    ['starts cold without its checkpoint', shaped(), {}, ends('ColdStart', 'CheckpointNotFound')],
    [
      'starts cold when its checkpoint has failed',
      shaped(),
      { checkpoints: [checkpoint({ status: { phase: 'Failed' } })] },
      ends('ColdStart', 'CheckpointFailed'),
    ],
    [
      'starts cold when its checkpoint is Ready no more',
      shaped(),
      { checkpoints: [checkpoint({ status: { phase: 'Creating' } })] },
      ends('ColdStart', 'CheckpointNotReady'),
    ],
    [
      'waits for its checkpoint where it is to',
      shaped({}, 'ColdStart', 3600),
      { checkpoints: [waitsFor('Creating')] },
      told('False', 'CheckpointNotReady', { settled: false }),
    ],
    [
      'was started cold by its agent, and is settled',
      shaped(),
      { assignments: [given(NAME, failed('RestoreRefused', { fellBack: 'ColdStart' }))] },
      failedTo('RestoreRefused', { settled: true }),
    ],
    [
      'is restored again after a failure that a retry may cure',
      shaped(),
      { checkpoints: [ready], assignments: [given(NAME, failed('RestoreFailed'))] },
      { do: 'assign', attempt: { number: 2, last: true, fallback: 'ColdStart' } },
    ],
    [
      'is not restored a third time',
      shaped(),
      {
        checkpoints: [ready],
        assignments: [given(NAME, failed('RestoreFailed')), given(`${NAME}-2`, failed('OperationLost'))],
      },
      ends('ColdStart', 'OperationLost'),
    ],
    [
      'starts cold where its agent could not do it',
      shaped(),
      { checkpoints: [ready], assignments: [given(NAME, failed('RestoreRefused'))] },
      ends('ColdStart', 'RestoreRefused'),
    ],
    [
      'starts cold when its worker has ended again and again',
      shaped({ restarts: 5 }),
      { checkpoints: [ready] },
      ends('ColdStart', 'RestoredTooOften'),
    ],
    [
      'that restarts is restored again',
      shaped({ restarts: 4, lastExit: 41 }),
      { checkpoints: [ready] },
      { do: 'assign' },
    ],
    [
      'is told to start cold: that it did',
      shaped(),
      {
        assignments: [
          given(
            END,
            { phase: 'Succeeded' },
            { operation: 'ColdStart', because: { reason: 'Torn', message: 'm' } },
          ),
        ],
      },
      told('False', 'Torn', { settled: true }),
    ],
    [
      'is told to start cold: not yet',
      shaped(),
      {
        assignments: [
          given(END, undefined, { operation: 'ColdStart', because: { reason: 'Torn', message: 'm' } }),
        ],
      },
      told('False', 'Torn', { settled: false, requeueAfterMs: 11_000 }),
    ],
    [
      'is told to start cold by nobody: standby has done it, and the kubelet has seen it',
      shaped({ ago: 20, started: true }),
      {
        assignments: [
          given(END, undefined, { operation: 'ColdStart', because: { reason: 'Torn', message: 'm' } }, 19),
        ],
      },
      told('False', 'Torn', { settled: true }),
    ],
  ])('%s', (_, it, world, plan) => expect(decided(it, world)).toMatchObject(plan));
});

describe('a restore that no agent takes', () => {
  const untaken = (ago: number, spec = {}) => ({
    checkpoints: [ready],
    assignments: [given(NAME, undefined, spec, ago)],
  });
  it.each<[string, V1Pod, World, object]>([
    [
      'is looked at again when standby has decided',
      shaped({ ago: 2 }),
      untaken(1),
      { do: 'nothing', requeueAfterMs: 11_000 },
    ],
    [
      'is given up when standby has decided by itself',
      shaped({ ago: 13, started: true }),
      untaken(12),
      told('False', 'AgentMissing', { settled: true, cancel: NAME }),
    ],
    [
      'is not settled before the kubelet has seen the worker start',
      shaped({ ago: 13 }),
      untaken(12),
      told('False', 'AgentMissing', { settled: false, cancel: NAME }),
    ],
    [
      'leaves a second attempt its time',
      shaped({ ago: 60 }),
      {
        checkpoints: [ready],
        assignments: [given(NAME, failed('RestoreFailed'), {}, 50), given(`${NAME}-2`, undefined, {}, 5)],
      },
      { do: 'nothing', requeueAfterMs: 10_000 },
    ],
    [
      'is said to a person where standby waits on, without giving up',
      placeholder({}, { ago: 17 }),
      untaken(16),
      told('False', 'AgentMissing', { settled: false }),
    ],
    [
      'is still the reason when an agent comes back to it',
      shaped({ ago: 60, started: true }),
      {
        checkpoints: [ready],
        assignments: [
          given(
            NAME,
            { phase: 'Cancelled', reason: 'Cancelled', message: 'before it was begun' },
            { cancelled: true },
            59,
          ),
        ],
      },
      told('False', 'AgentMissing', { settled: true }),
    ],
    [
      'is not the reason where an agent had taken it, and let go when a person cancelled it',
      shaped({ ago: 60, started: true }),
      {
        checkpoints: [ready],
        assignments: [
          given(
            NAME,
            { phase: 'Cancelled', reason: 'Cancelled', message: 'it was cancelled', fellBack: 'ColdStart' },
            { cancelled: true },
            59,
          ),
        ],
      },
      failedTo('Cancelled', { settled: true }),
    ],
    [
      'and an agent that dies with it: the kubelet knows whether a worker runs',
      shaped({ ago: 700, started: true }),
      { checkpoints: [ready], assignments: [given(NAME, { phase: 'Running' }, {}, 699)] },
      told('False', 'AgentMissing', { settled: true }),
    ],
    [
      'but one under way is waited for',
      shaped({ ago: 60 }),
      { checkpoints: [ready], assignments: [given(NAME, { phase: 'Running' }, {}, 59)] },
      { do: 'nothing', requeueAfterMs: 601_000 },
    ],
  ])('%s', (_, it, world, plan) => expect(decided(it, world)).toMatchObject(plan));

  it('may be taken later where standby waits on', () => {
    expect(decided(byHand, untaken(16))).not.toHaveProperty('cancel');
  });
});

describe('a placeholder that must not start cold', () => {
  it.each<[string, V1Pod, World, object]>([
    ['fails without its checkpoint', shaped({}, 'Fail'), {}, ends('Fail', 'CheckpointNotFound')],
    [
      'was ended by its agent, and is not settled',
      shaped({}, 'Fail'),
      { assignments: [given(NAME, failed('Torn', { fellBack: 'Fail' }))] },
      failedTo('Torn', { settled: false }),
    ],
    [
      'is left alone in its next container',
      shaped({ restarts: 1, lastExit: 41 }, 'Fail'),
      { checkpoints: [ready] },
      { do: 'nothing' },
    ],
    [
      'is restored again after its worker has ended',
      shaped({ restarts: 1, lastExit: 7 }, 'Fail'),
      { checkpoints: [ready] },
      { do: 'assign', attempt: { fallback: 'Fail' } },
    ],
  ])('%s', (_, it, world, plan) => expect(decided(it, world)).toMatchObject(plan));
});
