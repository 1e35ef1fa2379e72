import { observe } from '../../src/checkpoint/observe';
import { assignment, caches, checkpoint } from '../objects';
import type { Status } from './world';
import { begun, decided, ready } from './world';

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
