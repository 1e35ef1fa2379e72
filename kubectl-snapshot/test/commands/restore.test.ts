import type { V1Pod } from '@kubernetes/client-node';
import type { AssignmentStatus } from '@dynamo-snapshot/api/assignment';
import { STANDBY_PATH } from '@dynamo-snapshot/api/control';
import { annotation, RESTORED_CONDITION } from '@dynamo-snapshot/api/names';
import { until } from '../../../controller/test/until';
import { restorePod } from '../../src/commands/restore-pod';
import { exitCode } from '../../src/exit';
import { assignment, checkpoint, readyStatus } from '../objects';
import { Stage } from '../stage';

/** As the API server gives back a pod of a Deployment. */
const source: V1Pod = {
  metadata: {
    name: 'worker-0',
    namespace: 'default',
    uid: 'u',
    labels: {
      app: 'worker',
      'pod-template-hash': '5d4f',
      'nvidia.com/snapshot-is-checkpoint-source': 'true',
    },
    annotations: { team: 'inference', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'r' }],
  },
  spec: {
    nodeName: 'node-a',
    serviceAccountName: 'worker',
    serviceAccount: 'worker',
    priority: 0,
    containers: [
      {
        name: 'main',
        image: 'worker@sha256:1',
        command: ['python3', 'serve.py'],
        volumeMounts: [
          { name: 'data', mountPath: '/data' },
          { name: 'kube-api-access-x7k2p', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
        ],
      },
    ],
    volumes: [
      { name: 'data', emptyDir: {} },
      { name: 'kube-api-access-x7k2p', projected: {} },
    ],
  },
  status: { phase: 'Running' },
};

it('the pod of a restore is the captured one without what binds it to its controller, node and token', () => {
  expect(
    restorePod(source, { checkpoint: 'qwen3', namespace: 'default', name: 'clone', node: 'node-b' }),
  ).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'clone',
      namespace: 'default',
      labels: { app: 'worker' },
      annotations: { team: 'inference', [annotation.restoreFrom]: 'qwen3' },
    },
    spec: {
      nodeName: 'node-b',
      serviceAccountName: 'worker',
      containers: [
        {
          name: 'main',
          image: 'worker@sha256:1',
          command: ['python3', 'serve.py'],
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    },
  });
});

describe('restore', () => {
  let stage: Stage;
  const pods = { collection: 'api/v1/pods', namespace: 'default' };
  const withStandby = (pod: object) => {
    const { spec } = pod as V1Pod;
    return {
      ...pod,
      spec: { ...spec, containers: spec?.containers.map((c) => ({ ...c, command: [STANDBY_PATH] })) },
    };
  };
  beforeEach(async () => {
    stage = new Stage();
    await stage.open();
    stage.make('dynamocheckpoints', checkpoint('qwen3', readyStatus));
    stage.make('api/v1/pods', source);
    stage.server.admit = (object) =>
      object['kind'] === 'Pod' ? (withStandby(object) as unknown as typeof object) : object;
  });
  afterEach(() => stage.close());

  it('makes the pod, follows the restore, and ends when the pod says that it is restored', async () => {
    const run = stage.start(['restore', 'qwen3', '--name', 'clone', '--node', 'node-b']);
    const clone = () => stage.server.store.get({ ...pods, name: 'clone' });
    await until('the pod is made', () => clone() !== undefined);
    const pod = { name: 'clone', uid: clone()?.metadata.uid ?? '' };
    const timings = [{ step: 'criu', seconds: 0.21 }];
    stage.make(
      'snapshotassignments',
      assignment(
        'restore-clone',
        { phase: 'Succeeded', timings },
        { operation: 'Restore', pod, nodeName: 'node-b' },
      ),
    );
    const condition = { type: RESTORED_CONDITION, status: 'True' };
    await until('the condition is waited for', () => run.out.text().includes('done'));
    stage.server.store.change({ ...pods, name: 'clone' }, 'status', (old) => ({
      ...old,
      status: { conditions: [condition] },
    }));
    const { code, out } = await run.ended;
    expect(code).toBe(exitCode.ok);
    expect(out.split('\n')).toEqual([
      'pod clone created in namespace default',
      'restore  qwen3 into clone on node-b  done',
      'restored in 0.00s: criu 0.21s',
      '',
    ]);
  });

  const clone = () => stage.server.store.get({ ...pods, name: 'clone' });
  const begun = async (...flags: readonly string[]) => {
    const run = stage.start(['restore', 'qwen3', '--name', 'clone', ...flags]);
    await until('pod and assignments are watched', () => stage.server.watches === 2);
    return run;
  };
  const attempt = (name: string, status: AssignmentStatus) => {
    const pod = { name: 'clone', uid: clone()?.metadata.uid ?? '' };
    stage.make('snapshotassignments', assignment(name, status, { operation: 'Restore', pod }));
  };
  const says = (status: string, reason: string, message = '') =>
    stage.server.store.change({ ...pods, name: 'clone' }, 'status', (old) => ({
      ...old,
      status: { conditions: [{ type: RESTORED_CONDITION, status, reason, message }] },
    }));

  it('ends with 4 where the restore failed', async () => {
    const run = await begun();
    attempt('r', { phase: 'Failed', reason: 'ImageMismatch', message: 'of another image' });
    expect(await run.ended).toMatchObject({
      code: exitCode.operationFailed,
      out: expect.stringContaining('ImageMismatch'),
      err: 'pod clone was not restored: ImageMismatch: of another image\n',
    });
  });

  it('a failed attempt ends nothing while the operator makes another', async () => {
    const run = await begun();
    attempt('r', { phase: 'Failed', reason: 'RestoreFailed' });
    await until('it is told', () => run.out.text().includes('RestoreFailed'));
    attempt('r-2', { phase: 'Succeeded', timings: [{ step: 'criu', seconds: 0.21 }] });
    await until('the second is told', () => run.out.text().includes('done'));
    says('True', 'RestoreSucceeded');
    expect(await run.ended).toMatchObject({
      code: exitCode.ok,
      out: expect.stringMatching(/restored in 0\.00s: criu 0\.21s\n$/),
    });
  });

  it('what the agent has not proven is not restored', async () => {
    const run = await begun();
    attempt('r', { phase: 'Succeeded' });
    says('False', 'RestoreUnproven', 'no receipt');
    expect(await run.ended).toMatchObject({
      code: exitCode.operationFailed,
      err: 'pod clone was not restored: RestoreUnproven: no receipt\n',
    });
  });

  it.each([
    ['an interrupt', [], exitCode.interrupted, 'interrupted'],
    ['--timeout', ['--timeout', '1'], exitCode.timedOut, 'not restored within 1.00s'],
  ])('%s before the pod says that it is restored is no success', async (_, flags, code, why) => {
    const run = await begun(...flags);
    attempt('r', { phase: 'Succeeded' });
    says('Unknown', 'RestoreRunning', 'restoring from qwen3');
    await until('it is told', () => run.out.text().includes('done'));
    if (flags.length === 0) run.stop.abort();
    expect(await run.ended).toEqual({
      code,
      out: expect.not.stringContaining('restored in'),
      err: expect.stringMatching(`^${why}.*; the pod stays: kubectl describe pod clone\n$`),
    });
  });

  it('ends with 4 where the pod is deleted', async () => {
    const run = await begun();
    stage.server.store.delete({ ...pods, name: 'clone' });
    expect(await run.ended).toMatchObject({
      code: exitCode.operationFailed,
      err: 'pod clone was not restored: it is gone\n',
    });
  });

  it('makes nothing where no webhook has made a placeholder of the pod', async () => {
    stage.server.admit = (object) => object;
    const { code, err } = await stage.run(['restore', 'qwen3', '--name', 'clone']);
    expect(code).toBe(exitCode.failed);
    expect(err).toContain('no admission webhook has made a placeholder of the pod');
    expect(stage.server.store.get({ ...pods, name: 'clone' })).toBeUndefined();
  });

  it.each([
    [
      'a checkpoint that is not there',
      ['restore', 'llama'],
      'there is no checkpoint llama in namespace default',
    ],
    ['a checkpoint that is not Ready', ['restore', 'new'], 'checkpoint new is Pending, not Ready'],
  ])('refuses %s', async (_, argv, words) => {
    stage.make('dynamocheckpoints', checkpoint('new'));
    expect(await stage.run(argv)).toMatchObject({ code: exitCode.failed, err: `error: ${words}\n` });
  });

  it('says what to do where the captured pod is gone', async () => {
    stage.server.store.delete({ ...pods, name: 'worker-0' });
    expect((await stage.run(['restore', 'qwen3'])).err).toBe(
      'error: pod worker-0, which was captured, is gone: give a pod like it with -f\n',
    );
  });
});
