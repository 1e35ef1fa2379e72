import { API_VERSION, CHECKPOINT } from '@dynamo-snapshot/api/names';
import { WORKER_IMAGE } from '../workload';
import type { CheckpointObject } from '../world';
import { World } from '../world';

const checkpoint = (name: string, node: string, command: string, job: object) => ({
  apiVersion: API_VERSION,
  kind: CHECKPOINT.kind,
  metadata: { name },
  spec: {
    identity: { model: `e2e/${name}`, backendFramework: 'vllm' },
    job: {
      ...job,
      podTemplateSpec: {
        spec: {
          nodeName: node,
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name: 'main',
              image: WORKER_IMAGE,
              imagePullPolicy: 'IfNotPresent',
              command: ['sh', '-c', command],
            },
          ],
        },
      },
    },
  },
});

describe('a checkpoint job', () => {
  const world = new World();
  afterAll(() => world.clean());
  const reasonOf = async (name: string, seconds = 120) => {
    await world.kube.wait('dynamocheckpoint', name, 'jsonpath={.status.phase}=Failed', seconds);
    const { status } = await world.kube.get<CheckpointObject>('dynamocheckpoint', name);
    return { reason: status?.conditions?.find((c) => c.type === 'Ready')?.reason, message: status?.message };
  };

  // At once: they wait for their time and their tries, not for each other.
  beforeAll(async () => {
    await world.make(checkpoint('job-late', world.nodeA, 'sleep 600', { activeDeadlineSeconds: 5 }));
    await world.make(checkpoint('job-fails', world.nodeA, 'exit 3', { backoffLimit: 1 }));
    await world.make(checkpoint('job-empty', world.nodeA, 'exit 0', {}));
    await world.make(checkpoint('job-deleted', world.nodeA, 'sleep 600', {}));
  });

  it('that is not done in its time says which value to raise', async () => {
    expect(await reasonOf('job-late')).toEqual({
      reason: 'JobDeadlineExceeded',
      message: expect.stringMatching(/5 s.*spec.job.activeDeadlineSeconds/) as string,
    });
  }, 150_000);

  it('that succeeds without a capture proves nothing', async () => {
    expect(await reasonOf('job-empty')).toMatchObject({ reason: 'JobFailed' });
  }, 150_000);

  it('that is deleted fails its checkpoint', async () => {
    const made = 'jsonpath={.status.jobName}=checkpoint-job-deleted';
    await world.kube.wait('dynamocheckpoint', 'job-deleted', made, 60);
    await world.kube.delete('job', ['checkpoint-job-deleted']);
    expect(await reasonOf('job-deleted')).toMatchObject({ reason: 'JobMissing' });
  }, 150_000);

  it('whose pods fail gives up after its tries', async () => {
    expect(await reasonOf('job-fails')).toEqual({
      reason: 'JobFailed',
      message: expect.stringMatching(/2 failed pods \(BackoffLimitExceeded\)/) as string,
    });
  }, 150_000);
});
