import { CONTROL_DIR, CONTROL_VOLUME } from '@dynamo-snapshot/api/control';
import { API_VERSION, CHECKPOINT } from '@dynamo-snapshot/api/names';
import { placeholder, state, WORKER_IMAGE } from '../workload';
import { World } from '../world';

/** A DynamoCheckpoint as Dynamo's users write them. */
const jobCheckpoint = (name: string, node: string) => ({
  apiVersion: API_VERSION,
  kind: CHECKPOINT.kind,
  metadata: { name },
  spec: {
    identity: {
      model: 'e2e/job',
      backendFramework: 'vllm',
      tensorParallelSize: 1,
      dtype: 'bfloat16',
      maxModelLen: 4096,
    },
    job: {
      activeDeadlineSeconds: 600,
      backoffLimit: 3,
      ttlSecondsAfterFinished: 300,
      podTemplateSpec: {
        spec: {
          restartPolicy: 'Never',
          nodeName: node,
          containers: [
            {
              name: 'main',
              image: WORKER_IMAGE,
              imagePullPolicy: 'IfNotPresent',
              env: [
                { name: 'MODEL_MB', value: '64' },
                { name: 'WARMUP_SECONDS', value: '0' },
              ],
              volumeMounts: [{ name: 'data', mountPath: '/data' }],
            },
          ],
          volumes: [{ name: 'data', emptyDir: {} }],
        },
      },
    },
  },
});

const podinfo = {
  name: 'podinfo',
  downwardAPI: {
    items: ['name', 'namespace', 'uid'].map((field) => ({
      path: `pod_${field}`,
      fieldRef: { fieldPath: `metadata.${field}` },
    })),
  },
};

describe('a checkpoint with a job', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('runs the worker, captures it when ready, ends it, and restores it elsewhere', async () => {
    await world.make(jobCheckpoint('job', world.nodeA));
    const checkpoint = await world.checkpointReady('job', 120);
    expect(checkpoint.status?.identityHash).toMatch(/^[0-9a-f]{16}$/);
    await world.kube.wait('job', 'checkpoint-job', 'condition=Complete', 60);

    const table = await world.kube.run(['get', 'checkpoints']);
    expect(table.split('\n')[0]?.trim().split(/\s+/)).toEqual(
      'NAME MODEL BACKEND PHASE PROGRESS SIZE HASH AGE'.split(' '),
    );
    const wide = await world.kube.run(['get', 'snapshotassignments', '-o', 'wide']);
    expect(wide.split('\n')[0]).toMatch(/NAME +OPERATION +POD +NODE +PHASE +PROGRESS +STEP/);

    const clone = placeholder({
      name: 'job-clone',
      node: world.nodeB,
      checkpoint: 'job',
      volumes: [{ name: CONTROL_VOLUME, emptyDir: {} }, podinfo],
      mounts: [
        { name: CONTROL_VOLUME, mountPath: CONTROL_DIR, subPath: 'main' },
        { name: 'podinfo', mountPath: '/etc/podinfo' },
      ],
    });
    await world.make(clone);
    const { status } = await world.ready('job-clone');
    expect(await state(status.podIP)).toMatchObject({
      modelIntact: true,
      restored: true,
      hostname: 'job-clone',
    });
  });
});
