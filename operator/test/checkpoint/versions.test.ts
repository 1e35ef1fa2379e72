import { artifactUid } from '../../src/checkpoint/capture';
import { assignment, checkpoint, pod, UID } from '../objects';
import type { Status, Outcome } from './world';
import { CAPTURE, DELETE, artifact, succeeded, begun, ready, table } from './world';

describe('a version', () => {
  const again = (status: Status, outcome?: Outcome) =>
    begun(checkpoint({ metadata: { annotations: { 'nvidia.com/snapshot-recapture': 'x' } } }), {
      ...status,
      capture: { key: 'another', version: 1, attempt: 1, ...(outcome ? { outcome } : {}) },
    });
  const second = begun(checkpoint(), ready(), undefined, 2);
  const replaced = (since: string) =>
    begun(
      checkpoint(),
      ready({
        artifact: { ...artifact, uid: 'new', version: 2 },
        retired: [{ uid: UID, version: 1, nodeName: 'node-b', since }],
      }),
      'Succeeded',
      2,
    );
  const reader = assignment('r', { phase: 'Running' }, { operation: 'Restore' });
  table([
    [
      'is captured when another one is asked for',
      again(ready(), 'Succeeded'),
      {},
      { do: 'begin', request: { version: 2, attempt: 1 } },
    ],
    ['is captured after a failure as well', again({ phase: 'Failed' }, 'Failed'), {}, { do: 'begin' }],
    [
      'that is being captured is given up for the next one',
      again({ phase: 'Creating' }),
      { assignments: [assignment(CAPTURE, { phase: 'Running' })] },
      { do: 'cancelCapture' },
    ],
    [
      'waits until the one that was given up has ended',
      again({ phase: 'Creating' }),
      { assignments: [assignment(CAPTURE, { phase: 'Running' }, { cancelled: true })] },
      { do: 'nothing' },
    ],
    ['is captured under a name of its own', second, { pods: [pod('src')] }, { do: 'assignCapture' }],
    [
      'replaces the one before it when it is verified',
      second,
      { assignments: [assignment(`${CAPTURE}-2.1`, succeeded)] },
      { do: 'ready' },
    ],
    [
      'that was replaced stays for restores that are on their way',
      replaced('2026-01-01T00:09:50Z'),
      {},
      { do: 'nothing', requeueAfterMs: 20_000 },
    ],
    [
      'that was replaced stays while it is read',
      replaced('2026-01-01T00:09:00Z'),
      { assignments: [reader] },
      { do: 'nothing' },
    ],
    [
      'that was replaced is deleted when nobody reads it',
      replaced('2026-01-01T00:09:00Z'),
      {
        assignments: [
          assignment(
            'r',
            { phase: 'Succeeded' },
            { operation: 'Restore' },
            { annotations: { 'nvidia.com/snapshot-counted': 'succeeded/0' } },
          ),
        ],
      },
      { do: 'dispose', operation: 'Delete', artifact: UID, nodeName: 'node-b' },
    ],
    [
      'that was deleted is forgotten',
      replaced('2026-01-01T00:09:00Z'),
      { assignments: [assignment(DELETE, { phase: 'Succeeded' }, { operation: 'Delete' })] },
      { do: 'forget', artifact: UID },
    ],
  ]);

  it('has an artifact of its own for every attempt', () => {
    const uids = [1, 2].flatMap((version) => [1, 2].map((attempt) => artifactUid(UID, { version, attempt })));
    expect(new Set(uids).size).toBe(4);
    expect(uids[0]).toBe(UID);
    for (const uid of uids) expect(uid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
});
