import type { AssignmentPhase, AssignmentSpec } from '@dynamo-snapshot/api/assignment';
import { observe } from '../../src/checkpoint/observe';
import { assignment, caches, checkpoint, pod } from '../objects';
import type { Status } from './world';
import { begun, decided, ready } from './world';

type Phase = AssignmentPhase;
type Spec = Partial<AssignmentSpec>;
const P = { name: 'p', uid: 'uid-p' };
const begunAt = { startedAt: '2026-01-01T00:09:59Z' };

describe('restores', () => {
  const done = (name: string, phase: 'Succeeded' | 'Failed', counted?: string) =>
    assignment(
      name,
      { phase },
      { operation: 'Restore' },
      counted ? { annotations: { 'nvidia.com/snapshot-counted': counted } } : {},
    );
  const stays = (restores?: Status['restores']) =>
    begun(checkpoint(), ready(restores ? { restores } : {}), 'Succeeded');

  it('are counted once each, after those that were counted before', () => {
    const it_ = stays({ succeeded: 4, failed: 1 });
    const assignments = [done('a', 'Succeeded', 'succeeded/4'), done('b', 'Succeeded'), done('c', 'Failed')];
    expect(decided(it_, { assignments })).toEqual({ do: 'count' });
    expect(observe(it_, caches({ assignments })).restores).toMatchObject({
      counts: { succeeded: 5, failed: 2, fellBack: 0 },
      marks: [
        { assignment: 'b', outcome: 'succeeded', number: 5 },
        { assignment: 'c', outcome: 'failed', number: 2 },
      ],
    });
  });

  it.each<[string, Phase, Spec, object, number]>([
    ['whose agent started its worker cold', 'Failed', {}, { fellBack: 'ColdStart' }, 1],
    [
      'that was cancelled, and whose agent started its worker cold',
      'Cancelled',
      {},
      { fellBack: 'ColdStart' },
      1,
    ],
    [
      'that no agent took, so that standby started its worker cold',
      'Cancelled',
      { fallback: 'ColdStart' },
      {},
      1,
    ],
    ['that was cancelled while an agent was at it', 'Cancelled', { fallback: 'ColdStart' }, begunAt, 0],
    ['that no agent took, of a pod that must not start cold', 'Cancelled', { fallback: 'Fail' }, {}, 0],
    ['whose pod failed', 'Failed', {}, { fellBack: 'Fail' }, 0],
    ['after which another attempt may come', 'Failed', { fallback: 'ColdStart' }, begunAt, 0],
    ['in place of which a cold start was ordered', 'Succeeded', { operation: 'ColdStart' }, begunAt, 1],
  ])('%s: %#', (_, phase, spec, status, fellBack) => {
    const it_ = assignment('a', { phase, ...status }, { operation: 'Restore', pod: P, ...spec });
    const seen = observe(stays(), caches({ assignments: [it_], pods: [pod('p')] }));
    expect(seen.restores.counts.fellBack).toBe(fellBack);
  });

  it('of a pod that has left before an agent took them are not counted', () => {
    const it_ = assignment(
      'a',
      { phase: 'Cancelled' },
      { operation: 'Restore', pod: P, fallback: 'ColdStart' },
    );
    expect(observe(stays(), caches({ assignments: [it_] })).restores.marks).toEqual([]);
  });

  it('that were marked when the operator stopped are not lost', () => {
    const seen = observe(
      stays({ succeeded: 4 }),
      caches({ assignments: [done('a', 'Succeeded', 'succeeded/5')] }),
    );
    expect(seen.restores).toMatchObject({ counts: { succeeded: 5 }, marks: [], changed: true });
  });

  it('that are all counted are left alone', () => {
    expect(
      decided(stays({ succeeded: 1 }), { assignments: [done('a', 'Succeeded', 'succeeded/1')] }),
    ).toEqual({
      do: 'nothing',
    });
  });
});
