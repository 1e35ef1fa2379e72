import { ask, checkpointOf, placeholder } from '../workload';
import type { CheckpointObject } from '../world';
import { World } from '../world';

const hook = (path: string, more: object = {}) => ({ http: { port: 8000, path, ...more } });
const hooksOf = (ip: string) => ask<{ paused: boolean; hooks: readonly string[] }>(ip, '/hooks');

describe('the hooks of a worker', () => {
  const world = new World();
  let ip = '';
  afterAll(() => world.clean());
  beforeAll(async () => (ip = (await world.serving({ name: 'quiesce', node: world.nodeA })).ip), 200_000);

  const capture = async (name: string, quiesce: object) => {
    const made = checkpointOf(name, 'quiesce');
    await world.make({ ...made, spec: { ...(made['spec'] as object), quiesce } });
  };
  const failed = async (name: string) => {
    await world.kube.wait('dynamocheckpoint', name, 'jsonpath={.status.phase}=Failed', 90);
    return (await world.kube.get<CheckpointObject>('dynamocheckpoint', name)).status;
  };

  it('are refused by admission where they cannot be called', async () => {
    const made = checkpointOf('refused', 'quiesce');
    const quiesce = { beforeCapture: [hook('/pause'), hook('/a b')], afterRestore: [hook('/resume')] };
    const spec = { ...(made['spec'] as object), quiesce };
    const { stderr } = await world.kube.try(['create', '-f', '-'], JSON.stringify({ ...made, spec }));
    expect(stderr).toContain('spec.quiesce.beforeCapture[1].http.path: "/a b" has a character');
  });

  it('bring it to rest for the capture, and wake up both the source and the clone', async () => {
    const file = '/data/hook';
    await capture('at-rest', {
      beforeCapture: [hook('/pause'), { exec: { command: ['sh', '-c', `id -u > ${file}`] } }],
      afterRestore: [hook('/resume')],
    });
    await world.checkpointReady('at-rest', 120);
    expect(await hooksOf(ip)).toEqual({ paused: false, hooks: ['/pause', '/resume'] });
    expect((await world.kube.exec('quiesce', ['cat', file])).stdout).toMatch(/^\d+$/m);

    await world.make(placeholder({ name: 'quiesce-clone', node: world.nodeB, checkpoint: 'at-rest' }));
    const { status } = await world.ready('quiesce-clone');
    expect(await hooksOf(status.podIP)).toEqual({ paused: false, hooks: ['/pause', '/resume'] });
  }, 400_000);

  it.each([
    ['fails', 'fails', hook('/no-such-hook'), /QuiesceFailed|answered 500/],
    ['hangs', 'hangs', hook('/hang', { timeoutSeconds: 2 }), /no end after 2 s/],
  ])(
    'that %s ends the capture with its reason, and the worker is woken up',
    async (_, name, bad, message) => {
      await capture(name, { beforeCapture: [hook('/pause'), bad], afterCapture: [hook('/resume')] });
      const status = await failed(name);
      expect(status?.message).toMatch(message);
      expect(status?.conditions?.find((c) => c.type === 'Ready')?.reason).toBe('QuiesceFailed');
      expect((await hooksOf(ip)).paused).toBe(false);
    },
    200_000,
  );
});
