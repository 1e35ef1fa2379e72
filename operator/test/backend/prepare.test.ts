import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { prepared } from '../../src/backend/prepare';
import { shaped } from '../../src/webhook/shape';
import { checkpoint } from '../objects';

const PROFILE = 'profiles/p.json';
const pod = (main: Partial<V1Container> = {}, spec: object = {}): V1Pod => ({
  metadata: { name: 'worker' },
  spec: { containers: [{ name: 'main', image: 'engine', ...main }, { name: 'side' }], ...spec },
});
const made = (backend: 'vllm' | 'sglang' | 'generic' | 'trtllm', of: V1Pod = pod(), profile = PROFILE) =>
  prepared(of, { backend, container: 'main' }, profile);
const main = (of: V1Pod) => of.spec?.containers[0];

describe('a pod that may be captured', () => {
  it.each(['vllm', 'sglang', 'generic'] as const)('of %s has what its engine needs', (backend) => {
    expect(made(backend)).toMatchSnapshot();
  });

  it('keeps what it says itself', () => {
    const own = {
      env: [
        { name: 'VLLM_HOST_IP', value: '10.0.0.1' },
        { name: 'A', value: '1' },
      ],
      readinessProbe: { tcpSocket: { port: 9 as never } },
      volumeMounts: [{ name: 'mine', mountPath: '/dev/shm' }],
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    };
    const container = main(made('vllm', pod(own)));
    expect(container).toMatchObject({
      readinessProbe: own.readinessProbe,
      volumeMounts: own.volumeMounts,
      securityContext: own.securityContext,
    });
    expect(container?.env?.slice(0, 2)).toEqual(own.env);
    expect(container?.env?.filter((e) => e.name === 'VLLM_HOST_IP')).toHaveLength(1);
    const spec = { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } };
    expect(main(made('vllm', pod({}, spec)))).not.toHaveProperty('securityContext');
  });

  it('has no profile where none is deployed', () => {
    expect(main(made('vllm', pod(), ''))).not.toHaveProperty('securityContext');
  });

  it.each([
    ['the usual one', [], 8000],
    ['the one called http', [{ containerPort: 9000 }, { name: 'http', containerPort: 8080 }], 8080],
    ['the usual one of several', [{ containerPort: 9000 }, { containerPort: 8000 }], 8000],
    ['its only one', [{ containerPort: 9000 }], 9000],
  ])('is asked whether it is ready at %s', (_, ports, port) => {
    expect(main(made('vllm', pod({ ports })))?.readinessProbe?.httpGet).toEqual({ path: '/health', port });
  });

  it('is not touched for an engine that cannot be captured', () => {
    expect(made('trtllm')).toEqual(pod());
  });

  it('is the same when it is prepared twice', () => {
    expect(made('vllm', made('vllm'))).toEqual(made('vllm'));
  });
});

describe('the placeholder of a source that was prepared', () => {
  const ready = checkpoint({
    spec: { identity: { model: 'm', backendFramework: 'sglang' } },
    status: { phase: 'Ready' },
  });
  const settings = {
    standbyImage: 'agent:1',
    pullPolicy: 'Always',
    seccompProfile: '',
    sourceSeccompProfile: PROFILE,
  };
  const placeholder = shaped(
    pod(),
    { container: 'main', command: ['serve'], fallback: 'ColdStart', checkpoint: ready, waits: false },
    settings,
  );

  it('is golden', () => {
    expect(placeholder).toMatchSnapshot();
  });

  it('has the same environment and mounts, but no seccomp profile', () => {
    const source = main(made('sglang'));
    expect(main(placeholder)?.env).toEqual(source?.env);
    expect(main(placeholder)?.volumeMounts).toEqual(expect.arrayContaining(source?.volumeMounts ?? []));
    expect(main(placeholder)).not.toHaveProperty('securityContext');
  });
});
