import type { V1Pod } from '@kubernetes/client-node';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { decide } from '../../src/leaving/decide';
import { observe } from '../../src/leaving/observe';
import { assignment, caches } from '../objects';

const pod = (uid: string, leaving = false): V1Pod => ({
  metadata: { name: 'src', namespace: 'ns', uid, ...(leaving ? { deletionTimestamp: new Date(0) } : {}) },
});
const work = (status?: SnapshotAssignment['status'], more: object = {}) =>
  assignment('a', status, { pod: { name: 'src', uid: 'u1' }, ...more });

describe('work on a pod', () => {
  it.each<readonly [string, SnapshotAssignment, readonly V1Pod[], string]>([
    ['goes on while the pod is there', work({ phase: 'Running' }), [pod('u1')], 'nothing'],
    ['is cancelled when the pod is being deleted', work({ phase: 'Running' }), [pod('u1', true)], 'cancel'],
    ['is cancelled when the pod is gone', work({ phase: 'Running' }), [], 'cancel'],
    ['is cancelled when another pod has the name now', work({ phase: 'Running' }), [pod('u2')], 'cancel'],
    ['is cancelled before an agent has taken it', work(), [pod('u1', true)], 'cancel'],
    ['is cancelled once', work({ phase: 'Running' }, { cancelled: true }), [], 'nothing'],
    ['that has ended is left alone', work({ phase: 'Succeeded' }), [], 'nothing'],
    ['that was refused is left alone', work({ phase: 'Failed' }), [pod('u1', true)], 'nothing'],
  ])('%s', (_, object, pods, plan) => {
    expect(decide(observe(object, caches({ pods })))).toEqual({ do: plan });
  });

  it('that needs no pod goes on', () => {
    expect(decide(observe(assignment('a'), caches({})))).toEqual({ do: 'nothing' });
  });
});
