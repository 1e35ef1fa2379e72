import { placeholder, state, WORKER_IMAGE } from '../workload';
import type { PodStatus } from '../world';
import { World } from '../world';

const sidecar = {
  name: 'side',
  image: WORKER_IMAGE,
  imagePullPolicy: 'IfNotPresent',
  command: [
    'sh',
    '-c',
    'trap "exit 0" TERM; i=0; while :; do i=$((i+1)); echo side $i; sleep 1 & wait $!; done',
  ],
};

describe('a pod with a sidecar', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('has only its target container captured; the sidecar runs on, here and there', async () => {
    await world.serving({ name: 'side', node: world.nodeA, sidecars: [sidecar] });
    await world.captured('side', 'side');
    await world.make(
      placeholder({ name: 'side-clone', node: world.nodeB, checkpoint: 'side', sidecars: [sidecar] }),
    );
    const { status } = await world.ready('side-clone');
    expect((await state(status.podIP)).modelIntact).toBe(true);
    expect(await world.kube.logs('side-clone', 'side')).toMatch(/^side 1\n/);
    const source = await world.kube.get<PodStatus>('pod', 'side');
    expect(source.status.containerStatuses?.map((c) => c.restartCount)).toEqual([0, 0]);
  });
});
