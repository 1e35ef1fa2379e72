import { TerminalError } from '@dynamo-snapshot/api/errors';
import { containerId } from '../../src/linux/ids';
import type { CriStatus } from '../../src/runtime/facts';
import { containerFacts } from '../../src/runtime/facts';

const id = containerId('0123456789abcdef'.repeat(4));
const DIGEST = `sha256:${'5'.repeat(64)}`;

const running: NonNullable<CriStatus['status']> = {
  metadata: { name: 'main' },
  state: 1,
  image: { image: 'registry.example/app:1' },
  image_ref: `registry.example/app@${DIGEST}`,
  labels: { 'io.kubernetes.pod.name': 'worker-0', 'io.kubernetes.pod.uid': 'uid-0' },
  mounts: [{ container_path: '/data', host_path: '/pods/uid-0/data' }],
};
const verbose = { pid: 4711, runtimeSpec: { process: { args: ['python3', '/app/server.py'] } } };
const info = { info: JSON.stringify(verbose) };

function refusal(answer: CriStatus): string {
  try {
    containerFacts(id, answer);
  } catch (error) {
    if (error instanceof TerminalError) return error.reason;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('containerFacts', () => {
  it('reads what the engine needs from a verbose answer', () => {
    expect(containerFacts(id, { status: running, info })).toEqual({
      id,
      pid: 4711,
      name: 'main',
      podName: 'worker-0',
      podUid: 'uid-0',
      image: 'registry.example/app:1',
      imageDigest: DIGEST,
      command: ['python3', '/app/server.py'],
      binds: [{ containerPath: '/data', hostPath: '/pods/uid-0/data' }],
    });
  });

  it.each([
    ['a pulled image', `registry.example/app@${DIGEST}`, DIGEST],
    ['an imported image', DIGEST, DIGEST],
    ['an image without a digest', 'app:1', 'app:1'],
  ])('has the digest of %s', (_, imageRef, digest) => {
    const facts = containerFacts(id, { status: { ...running, image_ref: imageRef }, info });
    expect(facts.imageDigest).toBe(digest);
  });

  it('has empty names for a container that no Kubernetes made', () => {
    const facts = containerFacts(id, { status: { ...running, labels: {} }, info });
    expect([facts.podName, facts.podUid]).toEqual(['', '']);
  });

  it.each([
    ['was only created', { status: { ...running, state: 0 }, info }, 'ContainerGone'],
    ['has exited', { status: { ...running, state: 2 }, info }, 'ContainerGone'],
    ['has no status', { info }, 'ContainerGone'],
    ['has no pid', { status: running, info: { info: '{}' } }, 'InvalidPid'],
    ['has the pid 0', { status: running, info: { info: '{"pid":0}' } }, 'InvalidPid'],
    ['has no verbose part', { status: running, info: {} }, 'InvalidPid'],
  ])('refuses a container that %s', (_, answer, reason) => {
    expect(refusal(answer)).toBe(reason);
  });
});
