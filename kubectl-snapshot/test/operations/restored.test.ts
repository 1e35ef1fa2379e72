import type { V1Pod } from '@kubernetes/client-node';
import type { AssignmentSpec, AssignmentStatus, SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { RESTORED_CONDITION, SETTLED_CONDITION } from '@dynamo-snapshot/api/names';
import { lastAttempt, verdictOf, waitingFor } from '../../src/operations/restored';
import { assignment } from '../objects';

const says = (status: string, reason: string, message = 'why', settled = false): V1Pod => ({
  status: {
    phase: 'Running',
    conditions: [
      { type: RESTORED_CONDITION, status, reason, message },
      { type: SETTLED_CONDITION, status: settled ? 'True' : 'False' },
    ],
  },
});

const attempt = (status: AssignmentStatus, spec: Partial<AssignmentSpec> = {}): SnapshotAssignment =>
  assignment('r', status, { operation: 'Restore', ...spec });

const end = (operation: 'ColdStart' | 'Fail'): SnapshotAssignment =>
  assignment('end', undefined, { operation, because: { reason: 'CheckpointFailed', message: 'no' } });

const running = says('Unknown', 'RestoreRunning');
const untaken = says('False', 'AgentMissing', 'no agent has taken the restore yet');

it.each<[string, V1Pod | undefined, readonly SnapshotAssignment[]]>([
  ['nothing is known', undefined, []],
  ['nothing is said', { status: {} }, []],
  ['the checkpoint is awaited', says('False', 'CheckpointNotReady'), []],
  ['no agent has taken it yet', untaken, [attempt({ phase: 'Pending' })]],
  ['it runs', running, [attempt({ phase: 'Running' })]],
  ['it runs, and was late', untaken, [attempt({ phase: 'Running' })]],
  ['an attempt failed', running, [attempt({ phase: 'Failed', reason: 'RestoreFailed' })]],
  [
    'a late attempt failed, and the condition is of before',
    untaken,
    [attempt({ phase: 'Failed', reason: 'RestoreFailed' })],
  ],
  ['it succeeded, and the proof is looked at', running, [attempt({ phase: 'Succeeded' })]],
  [
    'it has ended at once after it was restored',
    { status: { phase: 'Succeeded' } },
    [attempt({ phase: 'Succeeded' })],
  ],
])('waits on while %s', (_, pod, assignments) => {
  expect(verdictOf({ ...(pod === undefined ? {} : { pod }), assignments })).toBeUndefined();
});

it.each<[string, V1Pod | null, readonly SnapshotAssignment[], string]>([
  ['the pod is gone', null, [], 'it is gone'],
  [
    'the operator orders a cold start',
    { status: {} },
    [end('ColdStart')],
    'CheckpointFailed: no; its worker starts the slow way',
  ],
  [
    'the operator orders the end of the container',
    says('False', 'CheckpointFailed'),
    [attempt({ phase: 'Failed', reason: 'RestoreFailed' }), end('Fail')],
    'CheckpointFailed: no; its container is ended',
  ],
  [
    'the agent fell back',
    running,
    [attempt({ phase: 'Failed', reason: 'RestoreFailed', message: 'criu', fellBack: 'ColdStart' })],
    'RestoreFailed: criu; its worker starts the slow way',
  ],
  [
    'a retry would not cure it',
    running,
    [attempt({ phase: 'Failed', reason: 'ImageMismatch' })],
    'ImageMismatch',
  ],
  [
    'the last attempt failed',
    says('False', 'RestoreFailed'),
    [attempt({ phase: 'Failed', reason: 'RestoreFailed' })],
    'RestoreFailed: why',
  ],
  ['an attempt failed without a reason', running, [attempt({ phase: 'Failed' })], 'RestoreFailed'],
  [
    'nothing is proven',
    says('False', 'RestoreUnproven'),
    [attempt({ phase: 'Succeeded' })],
    'RestoreUnproven: why',
  ],
  [
    'no agent may take it any more',
    untaken,
    [attempt({ phase: 'Pending' }, { cancelled: true })],
    'AgentMissing: no agent has taken the restore yet',
  ],
  [
    'it was cancelled',
    untaken,
    [attempt({ phase: 'Cancelled' })],
    'AgentMissing: no agent has taken the restore yet',
  ],
  ['a cold worker runs', says('False', 'NotAPlaceholder', 'why', true), [], 'NotAPlaceholder: why'],
  ['the pod has ended', { status: { phase: 'Failed' } }, [], 'it has ended (Failed)'],
])('gives up where %s', (_, pod, assignments, why) => {
  expect(verdictOf({ pod, assignments })).toEqual({ ok: false, why });
});

it('is done when the pod says so, whatever was before', () => {
  const pod = says('True', 'RestoreSucceeded');
  const assignments = [attempt({ phase: 'Failed', reason: 'RestoreFailed' })];
  expect(verdictOf({ pod, assignments })).toEqual({ ok: true });
});

it('the last attempt is the youngest, and of as old ones that of the highest number', () => {
  const made = (name: string, creationTimestamp: string) => {
    const { metadata, ...rest } = assignment(name, undefined, { operation: 'Restore' });
    return { ...rest, metadata: { ...metadata, creationTimestamp } };
  };
  const all = [
    made('restore-x-0123456789-10', '2026-11-28T12:00:01Z'),
    made('restore-x-ffffffff', '2026-11-28T12:00:01Z'),
    made('restore-x-0123456789-2', '2026-11-28T12:00:01Z'),
    made('restore-x-eeeeeeeeee-11', '2026-11-28T12:00:00Z'),
    end('Fail'),
  ];
  expect(lastAttempt(all)?.metadata.name).toBe('restore-x-0123456789-10');
  expect(lastAttempt([])).toBeUndefined();
});

it('what is awaited is told', () => {
  expect(waitingFor({ pod: untaken, assignments: [] })).toBe(
    'AgentMissing: no agent has taken the restore yet',
  );
  expect(waitingFor({ assignments: [] })).toBeUndefined();
});
