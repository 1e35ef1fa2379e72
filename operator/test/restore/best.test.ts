import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { best } from '../../src/restore/best';
import { observe } from '../../src/restore/observe';
import { decide } from '../../src/webhook/decide';
import { caches, checkpoint, pod } from '../objects';

type Phase = NonNullable<DynamoCheckpoint['status']>['phase'];
const HASH = '0123456789abcdef';
const at = (name: string, phase: Phase, year: number, more: object = {}) =>
  checkpoint({
    metadata: { name, creationTimestamp: `${year}-01-01T00:00:00Z`, ...more },
    spec: { restore: { podSelector: { matchLabels: { app: 'a' } } } },
    status: { identityHash: HASH, ...(phase ? { phase } : {}) },
  });
const leaving = at('leaving', 'Ready', 2020, { deletionTimestamp: '2026-01-01T00:00:00Z' });
const ready = at('ready', 'Ready', 2024);
const byHash = {
  'nvidia.com/snapshot-is-restore-target': 'true',
  'nvidia.com/snapshot-checkpoint-hash': HASH,
};

describe('of several checkpoints the best', () => {
  it.each<[string, readonly DynamoCheckpoint[], string | undefined]>([
    ['is none where there is none', [], undefined],
    ['is a Ready one', [at('failed', 'Failed', 2021), at('creating', 'Creating', 2022), ready], 'ready'],
    [
      'is one that is being captured before one that waits',
      [at('pending', undefined, 2021), at('creating', 'Creating', 2022)],
      'creating',
    ],
    [
      'is one that is to be before one that has failed',
      [at('failed', 'Failed', 2021), at('pending', 'Pending', 2022)],
      'pending',
    ],
    ['is the older of two', [at('young', 'Ready', 2025), ready], 'ready'],
    ['is not one that is being deleted', [leaving, ready], 'ready'],
    [
      'is not one that is being deleted, even where the other has failed',
      [leaving, at('failed', 'Failed', 2024)],
      'failed',
    ],
    ['is one that is being deleted where there is no other', [leaving], 'leaving'],
  ])('%s', (_, checkpoints, name) => {
    expect(best(checkpoints)?.metadata.name).toBe(name);
    expect(best([...checkpoints].reverse())?.metadata.name).toBe(name);
  });

  it('is what a pod with a hash is restored from', () => {
    const seen = observe(pod('p', { labels: byHash }), caches({ checkpoints: [leaving, ready] }));
    expect(seen?.checkpoint).toBe(ready);
  });

  it.each([
    ['has its hash', byHash],
    ['is selected', { app: 'a' }],
  ])('is what a pod that %s becomes a placeholder of', (_, labels) => {
    const spec = { containers: [{ name: 'main', command: ['serve'] }] };
    const admission = decide({ metadata: { labels }, spec }, [leaving, ready]);
    expect(admission).toMatchObject({ do: 'shape', order: { checkpoint: ready } });
  });
});
