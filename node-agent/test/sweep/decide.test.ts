import type { Found, Owned, Plan } from '../../src/sweep/decide';
import { decide } from '../../src/sweep/decide';

const UID = '11111111-2222-3333-4444-555555555555';
const NOW = 1_000_000;
const GRACE = 1000;
const OLD = NOW - GRACE;
const nobody: Owned = new Set(['another']);
const owner: Owned = new Set([UID]);

const found = (more: Partial<Found> = {}): Found => ({
  ref: { namespace: 'ns', identityHash: 'a'.repeat(16), uid: UID },
  kind: 'artifact',
  known: true,
  retained: false,
  changedAt: OLD,
  ...more,
});

describe('an artifact', () => {
  it.each<[string, Found, Owned, Plan['do']]>([
    ['that somebody owns stays', found(), owner, 'keep'],
    ['that somebody owns again loses its mark', found({ orphanedAt: 0 }), owner, 'unmark'],
    ['that nobody owns is marked first', found(), nobody, 'mark'],
    ['that was marked just now stays', found({ orphanedAt: OLD + 1 }), nobody, 'keep'],
    ['that has been an orphan for long goes', found({ orphanedAt: OLD }), nobody, 'remove'],
    [
      'that is young stays, though it is marked',
      found({ orphanedAt: OLD, changedAt: OLD + 1 }),
      nobody,
      'keep',
    ],
    [
      'that was written by a clock ahead of ours stays',
      found({ changedAt: NOW + 5 * GRACE }),
      nobody,
      'keep',
    ],
    [
      'that was marked by a clock ahead of ours stays',
      found({ orphanedAt: NOW + 5 * GRACE }),
      nobody,
      'keep',
    ],
    ['that is retained stays', found({ retained: true, orphanedAt: 0 }), nobody, 'keep'],
    ['of an unknown format stays', found({ known: false, orphanedAt: 0 }), nobody, 'keep'],
    ['stays while the API server does not say whose it is', found({ orphanedAt: 0 }), undefined, 'keep'],
  ])('%s', (_, it, owned, plan) => {
    expect(decide(it, owned, NOW, GRACE)).toEqual({ do: plan });
  });
});

describe('a folder beside the artifacts', () => {
  it.each<[string, Partial<Found>, Owned, Plan['do']]>([
    ['that a capture may be writing stays', { kind: 'staging', changedAt: 0 }, owner, 'keep'],
    ['that was written to just now stays', { kind: 'staging', changedAt: OLD + 1 }, nobody, 'keep'],
    ['that a capture has left behind goes', { kind: 'staging' }, nobody, 'remove'],
    ['whose deletion has stopped goes, whoever owned it', { kind: 'deleting' }, owner, 'remove'],
    [
      'that is being deleted is left to who does it',
      { kind: 'deleting', changedAt: OLD + 1 },
      nobody,
      'keep',
    ],
    ['stays while the API server does not answer', { kind: 'deleting' }, undefined, 'keep'],
  ])('%s', (_, it, owned, plan) => {
    expect(decide(found({ known: false, ...it }), owned, NOW, GRACE)).toEqual({ do: plan });
  });
});
