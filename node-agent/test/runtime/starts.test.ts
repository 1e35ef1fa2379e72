import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstContainer, firstOf, followStarts } from '../../src/runtime/starts';
import type { Runtime } from './containerd';
import { containerd } from './containerd';

const ID = 'ab'.repeat(32);
const row = (state: number, attempt = 0, name = 'main') => ({
  ...{ id: ID, pod_sandbox_id: 'box', state },
  metadata: { name, attempt },
});
const [CREATED, RUNNING, EXITED] = [0, 1, 2];
/** Of a sandbox; one that is ready is 0, which is not sent. */
const NOT_READY = 1;

describe('the first container of a pod', () => {
  it.each([
    ['the pod has none yet', [], 'not yet'],
    ['the pod has others', [row(EXITED, 0, 'installer')], 'near'],
    ['it runs beside others', [row(RUNNING, 3, 'sidecar'), row(RUNNING)], row(RUNNING)],
    ['it is about to start', [row(CREATED)], 'about to'],
    ['it runs', [row(RUNNING)], row(RUNNING)],
    ['it has ended', [row(EXITED)], 'over'],
    ['the second one runs', [row(EXITED), row(RUNNING, 1)], 'over'],
    ['the second one is made', [row(CREATED, 1), row(EXITED)], 'over'],
  ])('%s', (_, rows, first) => expect(firstOf(rows, 'main')).toEqual(first));
});

describe('a runtime', () => {
  let runtime: Runtime;
  let dir: string;
  let endpoint: string;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'starts-'));
    endpoint = `unix://${dir}/containerd.sock`;
    runtime = await containerd(join(dir, 'containerd.sock'));
  });
  afterEach(() => {
    runtime.close();
    rmSync(dir, { recursive: true });
  });

  it('is asked for the containers of that pod, and for the addresses of the pod', async () => {
    runtime.containers = [row(RUNNING)];
    runtime.ips = ['10.1.2.3', 'fd00::3'];
    expect(await firstContainer(endpoint, 'pod-uid', 'main')).toEqual({
      id: ID,
      ips: ['10.1.2.3', 'fd00::3'],
    });
    expect(runtime.asked).toEqual({ 'io.kubernetes.pod.uid': 'pod-uid' });
  });

  it('is asked whether a pod without containers has its sandbox', async () => {
    expect(await firstContainer(endpoint, 'pod-uid', 'main')).toBe('not yet');
    runtime.sandboxes = [{ id: 'box', state: NOT_READY }];
    expect(await firstContainer(endpoint, 'pod-uid', 'main')).toBe('not yet');
    runtime.sandboxes = [{ id: 'old', state: NOT_READY }, { id: 'box' }];
    expect(await firstContainer(endpoint, 'pod-uid', 'main')).toBe('near');
    expect(runtime.askedSandboxes).toEqual({ 'io.kubernetes.pod.uid': 'pod-uid' });
  });

  it('gives no addresses to a pod of the host network', async () => {
    runtime.containers = [row(RUNNING)];
    expect(await firstContainer(endpoint, 'pod-uid', 'main')).toEqual({ id: ID, ips: [] });
  });

  it('tells of what is made and started until nobody wants to hear of it', async () => {
    let told = 0;
    const heard = new Promise<void>((resolve) => {
      const stop = followStarts(
        endpoint,
        () => {
          told += 1;
          if (told === 2) resolve(stop());
        },
        (error) => {
          throw error;
        },
      );
    });
    const { filters, namespace } = await runtime.followed;
    expect({ filters, namespace }).toEqual({
      filters: ['namespace==k8s.io,topic=="/containers/create"', 'namespace==k8s.io,topic=="/tasks/start"'],
      namespace: 'k8s.io',
    });
    runtime.start();
    runtime.start();
    await heard;
    await runtime.left;
    expect(told).toBe(2);
  });

  it('that goes away ends it', async () => {
    const ended = new Promise<Error>((resolve) => followStarts(endpoint, () => {}, resolve));
    await runtime.followed;
    runtime.close();
    expect((await ended).message).not.toBe('');
  });
});
