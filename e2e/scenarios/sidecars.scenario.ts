import { annotation } from '@dynamo-snapshot/api/names';
import { asking, checkpoint, count, WORKER_IMAGE, worker } from '../workload';
import type { PodStatus } from '../world';
import { restoredCondition, World } from '../world';

const loop = 'trap "exit 0" TERM; i=0; while :; do i=$((i+1)); echo side $i; sleep 1 & wait $!; done';
const side = (name: string, more: object = {}) => ({
  name,
  image: WORKER_IMAGE,
  imagePullPolicy: 'IfNotPresent',
  command: ['sh', '-c', loop],
  ...more,
});

/** One before the worker that stays, one beside it, and one that has its day before all. */
const company = {
  container: { name: 'engine' },
  sidecars: [side('metrics')],
  spec: {
    initContainers: [
      side('fetch', { command: ['sh', '-c', 'echo fetched'] }),
      side('proxy', { restartPolicy: 'Always' }),
    ],
  },
};

describe('a pod with a sidecar, a native sidecar and an init container', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('has the container restored that it names; the others start and run as ever', async () => {
    await world.make(worker({ name: 'company', node: world.nodeA, ...company }));
    const source = await world.ready('company');
    await count(source.status.podIP);
    await world.make(
      checkpoint('company', {
        source: { podName: 'company', containerName: 'engine' },
        restore: { claimTimeoutSeconds: 60 },
      }),
    );
    await world.checkpointReady('company');
    const annotations = { [annotation.targetContainers]: 'engine' };
    await world.make(
      asking({ name: 'company-clone', node: world.nodeB, checkpoint: 'company', annotations, ...company }),
    );
    const clone = await world.ready('company-clone');
    expect(restoredCondition(clone)).toMatchObject({ status: 'True' });
    expect(await count(clone.status.podIP)).toBe(2);
    for (const name of ['metrics', 'proxy'])
      expect(await world.kube.logs('company-clone', name)).toMatch(/^side 1\n/);
    expect(await world.kube.logs('company-clone', 'fetch')).toBe('fetched\n');
    for (const pod of ['company', 'company-clone']) {
      const { status } = await world.kube.get<PodStatus>('pod', pod);
      expect(status.containerStatuses?.map((c) => c.restartCount)).toEqual([0, 0]);
    }
  });
});
