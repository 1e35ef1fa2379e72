import type { V1Pod } from '@kubernetes/client-node';
import { podPatch } from '../../src/webhook/patch';
import type { ShapeOrder } from '../../src/webhook/shape';
import { leftAlone, shaped } from '../../src/webhook/shape';
import { checkpoint, job } from '../objects';

const settings = {
  standbyImage: 'registry/agent:1',
  pullPolicy: 'IfNotPresent',
  seccompProfile: '',
  sourceSeccompProfile: '',
};
const one = checkpoint({ status: { phase: 'Ready', identityHash: 'a'.repeat(16) } });
const order: ShapeOrder = {
  container: 'main',
  command: ['serve', '--fast'],
  fallback: 'ColdStart',
  checkpoint: one,
  name: 'one',
  waits: false,
};

const worker: V1Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'worker-', labels: { app: 'a' }, annotations: { note: 'x' } },
  spec: {
    serviceAccountName: 'worker',
    securityContext: { fsGroup: 7 },
    initContainers: [
      { name: 'model', image: 'loader' },
      { name: 'proxy', image: 'proxy', restartPolicy: 'Always' },
    ],
    containers: [
      {
        name: 'main',
        image: 'worker',
        command: ['serve'],
        args: ['--fast'],
        env: [{ name: 'A', value: '1' }],
        ports: [{ name: 'http', containerPort: 8000 }],
        startupProbe: {
          httpGet: { path: '/up', port: 'http' as never },
          periodSeconds: 5,
          failureThreshold: 60,
        },
        livenessProbe: { httpGet: { path: '/healthz', port: 8000 as never }, periodSeconds: 2 },
        readinessProbe: { httpGet: { path: '/healthz', port: 8000 as never }, initialDelaySeconds: 30 },
        lifecycle: { postStart: { exec: { command: ['hello'] } }, preStop: { exec: { command: ['bye'] } } },
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
      },
      { name: 'side', image: 'side', livenessProbe: { exec: { command: ['true'] } } },
    ],
    volumes: [{ name: 'data', emptyDir: {} }],
  },
};

const main = (pod: V1Pod) => pod.spec?.containers.find((c) => c.name === 'main');

describe('a shaped pod', () => {
  it('is the pod with what a restore needs', () => {
    expect(shaped(worker, order, settings)).toMatchSnapshot();
  });

  it('is patched field by field, and nothing else of the pod is in the patch', () => {
    expect(
      podPatch(worker, shaped(worker, order, settings))
        .map((step) => step.path)
        .sort(),
    ).toEqual([
      '/metadata/annotations',
      '/metadata/labels',
      '/spec/containers',
      '/spec/initContainers',
      '/spec/readinessGates',
      '/spec/volumes',
    ]);
    expect(podPatch(worker, worker)).toEqual([]);
  });

  it('mounts standby where an installer would have put it, where a ConfigMap of its namespace has it', () => {
    const pod = shaped(worker, order, { ...settings, standbyConfigMap: 'standby-a' });
    const other = shaped(worker, order, settings);
    expect(pod.spec?.initContainers).toEqual(worker.spec?.initContainers);
    const program = {
      name: 'snapshot-standby-program',
      configMap: { name: 'standby-a', defaultMode: 0o555 },
    };
    const [data, standby, ...rest] = other.spec?.volumes ?? [];
    expect(pod.spec?.volumes).toEqual([data, standby, program, ...rest]);
    const { volumeMounts = [], ...container } = main(pod) ?? {};
    const { volumeMounts: otherMounts = [], ...otherContainer } = main(other) ?? {};
    expect(container).toEqual(otherContainer);
    const places = volumeMounts.map((m) => m.mountPath);
    expect(places).toEqual(otherMounts.map((m) => m.mountPath));
    const mount = { mountPath: '/.snapshot/standby', subPath: 'standby', readOnly: true };
    expect(volumeMounts).toContainEqual({ name: program.name, ...mount });
    expect(otherMounts).toContainEqual({ name: 'snapshot-standby', ...mount });
    // Of a mount within another, the outer one comes first.
    expect(places.indexOf('/.snapshot')).toBeLessThan(places.indexOf('/.snapshot/standby'));
  });

  it('has no empty list of init containers where it had none', () => {
    const { initContainers: _, ...spec } = worker.spec ?? { containers: [] };
    const pod = shaped({ ...worker, spec }, order, { ...settings, standbyConfigMap: 'standby-a' });
    expect(pod.spec).not.toHaveProperty('initContainers');
  });

  it('leaves sidecars and the containers before it as they are', () => {
    const { initContainers, containers } = shaped(worker, order, settings).spec ?? { containers: [] };
    expect(containers[1]).toEqual(worker.spec?.containers[1]);
    expect(initContainers?.slice(1)).toEqual(worker.spec?.initContainers);
  });

  it('is Ready only when it was restored, where it must not start cold', () => {
    const pod = shaped(worker, { ...order, fallback: 'Fail', command: [] }, settings);
    expect(pod.spec?.readinessGates).toEqual([{ conditionType: 'nvidia.com/Restored' }]);
    expect(main(pod)?.command).toEqual(['/.snapshot/standby', '--unclaimed', '10', '--otherwise', 'fail']);
  });

  it('waits for a checkpoint as long as the checkpoint says', () => {
    const waits = { ...one, spec: { ...one.spec, restore: { waitTimeoutSeconds: 77 } } };
    const pod = shaped(worker, { ...order, checkpoint: waits, waits: true }, settings);
    expect(main(pod)?.command?.slice(0, 3)).toEqual(['/.snapshot/standby', '--unclaimed', '77']);
  });

  it('has the shared memory that the job of the checkpoint had, unless it brings its own', () => {
    const withJob = checkpoint({ spec: { job: job({ sharedMemory: { size: '1Gi' } }) } });
    const pod = shaped(worker, { ...order, checkpoint: withJob }, settings);
    expect(main(pod)?.volumeMounts).toContainEqual({ name: 'shared-memory', mountPath: '/dev/shm' });
    expect(pod.spec?.volumes).toContainEqual({
      name: 'shared-memory',
      emptyDir: { medium: 'Memory', sizeLimit: '1Gi' },
    });
    const own: V1Pod = structuredClone(worker);
    main(own)?.volumeMounts?.push({ name: 'shm', mountPath: '/dev/shm' });
    const kept = shaped(own, { ...order, checkpoint: withJob }, settings);
    expect(main(kept)?.volumeMounts?.filter((m) => m.mountPath === '/dev/shm')).toEqual([
      { name: 'shm', mountPath: '/dev/shm' },
    ]);
    expect(kept.spec?.volumes?.map((v) => v.name)).not.toContain('shared-memory');
  });

  it('has a seccomp profile where one is configured and the pod names none', () => {
    const configured = { ...settings, seccompProfile: 'profiles/p.json' };
    expect(shaped(worker, order, configured).spec?.securityContext).toEqual({
      fsGroup: 7,
      seccompProfile: { type: 'Localhost', localhostProfile: 'profiles/p.json' },
    });
    const own: V1Pod = structuredClone(worker);
    if (own.spec) own.spec.securityContext = { seccompProfile: { type: 'RuntimeDefault' } };
    expect(shaped(own, order, configured).spec?.securityContext).toEqual(own.spec?.securityContext);
  });

  it('is not left with the word of an earlier admission', () => {
    const left = leftAlone(worker, { reason: 'CheckpointNotReady', message: 'later' });
    expect(left.metadata?.annotations).toEqual({
      note: 'x',
      'nvidia.com/snapshot-not-restored': 'CheckpointNotReady: later',
    });
    expect(shaped(left, order, settings).metadata?.annotations).not.toHaveProperty(
      'nvidia.com/snapshot-not-restored',
    );
  });
});
