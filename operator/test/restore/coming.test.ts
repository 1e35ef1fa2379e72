import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { V1Pod } from '@kubernetes/client-node';
import { comingContainer } from '../../src/assignment/container';
import { restoreAssignment } from '../../src/assignment/build';
import type { World } from './pods';
import {
  artifact,
  before,
  decided,
  failed,
  failedTo,
  given,
  NAME,
  ready,
  receipt as proven,
  shaped,
  told,
} from './pods';

/** By the pod's UID, `uid-p`. */
const FIRST = 'restore-p-uid-p';
const scheduled: V1Pod = { ...shaped(), status: {} };
const waitingStatus = {
  ...{ name: 'main', image: '', imageID: '', ready: false, restartCount: 0 },
  state: { waiting: {} },
};
const waiting: V1Pod = { ...shaped(), status: { containerStatuses: [waitingStatus] } };
const onIts = (uid: string, status?: SnapshotAssignment['status']) =>
  given(FIRST, status, { artifact: { identityHash: 'h', uid } });
const gone = { ...ready, metadata: { ...ready.metadata, deletionTimestamp: before(1) } };
const receipt = { ...proven, artifactDigest: 'd' };

describe('a placeholder whose container has not started yet', () => {
  const target = { nodeName: 'node-a', pod: { name: 'p', uid: 'uid-p' }, container: { name: 'main' } };
  it.each<[string, V1Pod, World, object]>([
    ['is assigned as soon as it has a node', scheduled, { checkpoints: [ready] }, { do: 'assign', target }],
    ['is assigned while its images are pulled', waiting, { checkpoints: [ready] }, { do: 'assign', target }],
    [
      'waits for a node',
      { ...scheduled, spec: { containers: scheduled.spec?.containers ?? [] } },
      { checkpoints: [ready] },
      { do: 'nothing' },
    ],
    [
      'is assigned once',
      waiting,
      { checkpoints: [ready], assignments: [onIts(artifact.uid)] },
      { do: 'nothing' },
    ],
    [
      'is not told of a checkpoint that is not Ready before it runs',
      waiting,
      { checkpoints: [{ ...ready, status: { phase: 'Creating' } }] },
      { do: 'nothing' },
    ],
    [
      'is not restored from an artifact that has been replaced meanwhile',
      waiting,
      { checkpoints: [ready], assignments: [onIts('old', { phase: 'Pending' })] },
      { do: 'withdraw', assignment: FIRST },
    ],
    [
      'is not restored from a checkpoint that is being deleted',
      waiting,
      { checkpoints: [gone], assignments: [onIts(artifact.uid)] },
      { do: 'withdraw', assignment: FIRST },
    ],
    [
      'is not waited for any more when its pod has failed without it',
      { ...waiting, status: { ...waiting.status, phase: 'Failed' } },
      { checkpoints: [ready], assignments: [onIts(artifact.uid, { phase: 'Pending' })] },
      { do: 'withdraw', assignment: FIRST },
    ],
    [
      'is not asked for in a pod that has failed without it',
      { ...waiting, status: { ...waiting.status, phase: 'Failed' } },
      { checkpoints: [ready] },
      { do: 'nothing' },
    ],
    [
      'is left to its agent that has begun before the kubelet told of the container',
      waiting,
      { checkpoints: [gone], assignments: [onIts(artifact.uid, { phase: 'Running' })] },
      { do: 'nothing' },
    ],
    [
      'may hear of success before the kubelet tells that it runs',
      waiting,
      {
        checkpoints: [ready],
        assignments: [
          {
            ...onIts(artifact.uid, { phase: 'Succeeded', receipt }),
            spec: { ...onIts(artifact.uid).spec, artifact: { identityHash: 'h', uid: 'u', digest: 'd' } },
          },
        ],
      },
      told('True', 'RestoreSucceeded', { settled: true }),
    ],
    [
      'may hear that it has failed before the kubelet tells that it ran',
      waiting,
      { checkpoints: [ready], assignments: [onIts('u', failed('RestoreRefused', { fellBack: 'Fail' }))] },
      failedTo('RestoreRefused', { settled: false }),
    ],
    [
      'hears it too when its pod has ended with it',
      { ...waiting, status: { ...waiting.status, phase: 'Failed' } },
      { checkpoints: [ready], assignments: [onIts('u', failed('RestoreRefused', { fellBack: 'Fail' }))] },
      failedTo('RestoreRefused', { settled: false }),
    ],
    [
      'hears it too when it was restarted meanwhile, and keeps still',
      shaped({ restarts: 1, lastExit: 41 }, 'Fail'),
      { checkpoints: [ready], assignments: [onIts('u', failed('RestoreRefused', { fellBack: 'Fail' }))] },
      failedTo('RestoreRefused', { settled: false }),
    ],
    [
      'is tried again when it runs, where a retry can help',
      waiting,
      { checkpoints: [ready], assignments: [onIts('u', failed('RestoreFailed'))] },
      { do: 'nothing' },
    ],
    [
      'is not told of the first attempt once it was restarted',
      { ...waiting, status: { containerStatuses: [{ ...waitingStatus, restartCount: 1 }] } },
      { checkpoints: [ready], assignments: [onIts('u', { phase: 'Succeeded', receipt })] },
      { do: 'nothing' },
    ],
  ])('%s', (_, it, world, plan) => expect(decided(it, world)).toMatchObject(plan));

  it('is no container that has ended once', () => {
    const ended = {
      ...waiting,
      status: { containerStatuses: [{ ...waiting.status?.containerStatuses?.[0], restartCount: 1 }] },
    };
    expect(comingContainer(ended as V1Pod, 'main')).toBeUndefined();
  });
});

describe('the first container of a placeholder, when it runs', () => {
  it.each<[string, V1Pod, World, object]>([
    [
      'is not assigned twice',
      shaped(),
      { checkpoints: [ready], assignments: [onIts('u')] },
      { do: 'nothing' },
    ],
    [
      'has a second attempt of its own name after the first failed',
      shaped(),
      { checkpoints: [ready], assignments: [onIts('u', failed('RestoreFailed'))] },
      { do: 'assign', attempt: { number: 2 } },
    ],
    [
      'is said to wait for its agent only some time after it runs, however long it had to wait for its image',
      shaped({ ago: 2 }),
      { checkpoints: [ready], assignments: [given(FIRST, { phase: 'Pending' }, {}, 300)] },
      { do: 'nothing' },
    ],
    [
      'is not given up because its agent has been busy for longer than the pod waited for its image',
      shaped({ ago: 2 }),
      { checkpoints: [ready], assignments: [given(FIRST, { phase: 'Running' }, {}, 3000)] },
      { do: 'nothing' },
    ],
    [
      'is another one after a restart',
      shaped({ restarts: 1, lastExit: 1 }),
      { checkpoints: [ready], assignments: [onIts('u', { phase: 'Succeeded', receipt })] },
      { do: 'assign', attempt: { number: 1 }, target: { container: { id: expect.any(String) } } },
    ],
  ])('%s', (_, it, world, plan) => expect(decided(it, world)).toMatchObject(plan));

  it('gives the names', () => {
    const pod = { name: 'p', uid: '1234abcd-0000' };
    const attempt = { number: 1, last: false };
    const make = (container: { name: string; id?: string }) =>
      restoreAssignment(ready, { nodeName: 'n', pod, container }, attempt);
    expect(make({ name: 'main' })).toMatchObject({
      metadata: { name: 'restore-p-1234abcd' },
      spec: { container: { name: 'main' } },
    });
    expect(make({ name: 'main', id: 'ab'.repeat(32) }).metadata.name).toBe(NAME);
  });
});
