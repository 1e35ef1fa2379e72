import type { AssignmentSpec, SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { CONTROL_VOLUME, STANDBY_PROGRAM_VOLUME, STANDBY_VOLUME } from '@dynamo-snapshot/api/control';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { annotation } from '@dynamo-snapshot/api/names';
import type { V1Pod, V1Probe, V1Volume } from '@kubernetes/client-node';
import { requestOf } from '../../src/assignment/request';
import type { Request } from '../../src/engine';

const ID = '0123456789abcdef'.repeat(4);
const HASH = '0123456789abcdef';
const UID = '11111111-2222-3333-4444-555555555555';

const spec = {
  nodeName: 'node-a',
  operation: 'Capture',
  checkpoint: { name: 'llama' },
  artifact: { identityHash: HASH, uid: UID },
  pod: { name: 'worker', uid: 'pod-uid' },
  container: { name: 'main', id: ID },
  deadlineSeconds: 60,
} as const satisfies AssignmentSpec;

const assignment = (change: Partial<AssignmentSpec> = {}): SnapshotAssignment => ({
  apiVersion: 'nvidia.com/v1alpha1',
  kind: 'SnapshotAssignment',
  metadata: { name: 'a', namespace: 'team', uid: 'assignment-uid' },
  spec: { ...spec, ...change },
});

interface Shape {
  readonly volumes?: readonly V1Volume[];
  readonly mounts?: Readonly<Record<string, string>>;
  readonly liveness?: V1Probe;
  readonly annotations?: Readonly<Record<string, string>>;
}

const pod = ({ volumes = [], mounts = {}, liveness, annotations = {} }: Shape = {}): V1Pod => ({
  metadata: { name: 'worker', namespace: 'team', uid: 'pod-uid', annotations: { ...annotations } },
  spec: {
    nodeName: 'node-a',
    volumes: [...volumes],
    containers: [
      { name: 'sidecar', volumeMounts: [{ name: 'other', mountPath: '/sidecar' }] },
      {
        name: 'main',
        volumeMounts: Object.entries(mounts).map(([mountPath, name]) => ({ name, mountPath })),
        ...(liveness ? { livenessProbe: liveness } : {}),
      },
    ],
  },
  status: { podIP: '10.0.0.7' },
});

const factsOf = (request: Request) => ('pod' in request ? request.pod : undefined);

describe('requestOf', () => {
  it('names the volume that a capture must lie on', () => {
    expect(requestOf(assignment(), pod(), '/store', { storeDevice: 42 })).toMatchObject({ storeDevice: 42 });
  });

  it('makes a capture of the source, whose paths follow from the references alone', () => {
    expect(requestOf(assignment(), pod(), '/store')).toEqual({
      operation: 'Capture',
      artifactDir: `/store/team/${HASH}/${UID}`,
      stagingDir: `/store/team/${HASH}/.staging-${UID}`,
      artifact: { namespace: 'team', identityHash: HASH, uid: UID },
      checkpoint: 'llama',
      containerId: ID,
      afterCapture: 'KeepRunning',
      pod: {
        namespace: 'team',
        name: 'worker',
        uid: 'pod-uid',
        ip: '10.0.0.7',
        hostname: 'worker',
        nodeName: 'node-a',
        containerName: 'main',
        volumes: [],
      },
    });
  });

  it('ends the source only where that is asked', () => {
    expect(requestOf(assignment({ afterCapture: 'Complete' }), pod(), '/store')).toMatchObject({
      afterCapture: 'Complete',
    });
  });

  it('leaves out the folders that it is told', () => {
    const excludePaths = ['.cache/huggingface'];
    expect(requestOf(assignment({ excludePaths }), pod(), '/store')).toMatchObject({ excludePaths });
  });

  it('makes a restore that insists on the digest', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const artifact = { identityHash: HASH, uid: UID, digest };
    const request = requestOf(assignment({ operation: 'Restore', artifact }), pod(), '/store');
    expect(request).toMatchObject({
      operation: 'Restore',
      artifactDigest: digest,
      artifact: { namespace: 'team', identityHash: HASH, uid: UID },
      skipCompatCheck: false,
    });
    expect(request).not.toHaveProperty('stagingDir');
    expect('artifact' in request && request.artifact).not.toHaveProperty('digest');
  });

  it.each([
    ['true', true],
    ['false', false],
    ['yes', false],
    ['', false],
  ])('takes %j of the annotation for skipCompatCheck as %s', (value, skipCompatCheck) => {
    const target = pod({ annotations: { [annotation.skipCompatCheck]: value } });
    expect(requestOf(assignment({ operation: 'Restore' }), target, '/store')).toMatchObject({
      skipCompatCheck,
    });
  });

  it('makes a restore that knows what becomes of the placeholder when it fails', () => {
    const asked = { operation: 'Restore', fallback: 'ColdStart', lastAttempt: true } as const;
    expect(requestOf(assignment(asked), pod(), '/store')).toMatchObject({
      fallback: 'ColdStart',
      lastAttempt: true,
    });
    expect(requestOf(assignment({ operation: 'Restore' }), pod(), '/store')).not.toHaveProperty('fallback');
  });

  it.each(['ColdStart', 'Fail'] as const)(
    'ends the waiting of a placeholder, whatever its pod is doing: %s',
    (operation) => {
      const because = { reason: 'CheckpointFailed', message: 'no room' };
      const { artifact: _, ...rest } = assignment({ operation, because }).spec;
      expect(requestOf({ ...assignment(), spec: rest }, undefined, '/store')).toEqual({
        operation,
        containerId: ID,
        because,
      });
    },
  );

  it('refuses work on an artifact that names none', () => {
    const { artifact: _, ...rest } = assignment({ operation: 'Restore' }).spec;
    expect(() => requestOf({ ...assignment(), spec: rest }, pod(), '/store')).toThrow('needs spec.artifact');
  });

  it('deletes an artifact without looking at any pod', () => {
    const { nodeName, checkpoint, artifact, deadlineSeconds } = spec;
    const operation = 'Delete' as const;
    const object = { ...assignment(), spec: { operation, nodeName, checkpoint, artifact, deadlineSeconds } };
    expect(requestOf(object, undefined, '/store')).toEqual({
      operation: 'Delete',
      artifactDir: `/store/team/${HASH}/${UID}`,
      artifact: { namespace: 'team', identityHash: HASH, uid: UID },
    });
  });

  const other = (change: (p: V1Pod) => void): V1Pod => {
    const changed = structuredClone(pod());
    change(changed);
    return changed;
  };

  it.each<readonly [string, string, V1Pod | undefined, Partial<AssignmentSpec>]>([
    ['PodGone', 'there is no such pod', undefined, {}],
    ['PodGone', 'a new pod has its name', other((p) => (p.metadata = { ...p.metadata, uid: 'another' })), {}],
    ['PodElsewhere', 'the pod runs on another node', pod(), { nodeName: 'node-b' }],
    ['PodElsewhere', 'the pod runs nowhere yet', other((p) => delete p.spec?.nodeName), {}],
    ['TargetContainerNotFound', 'it has no such container', pod(), { container: { name: 'x', id: ID } }],
    ['InvalidContainerId', 'the id is empty', pod(), { container: { name: 'main', id: '' } }],
    ['InvalidContainerId', 'the id is a path', pod(), { container: { name: 'main', id: '../..' } }],
    [
      'InvalidArtifactRef',
      'the hash is a path',
      pod(),
      { artifact: { identityHash: '../../etc', uid: UID } },
    ],
    ['InvalidArtifactRef', 'the uid is a path', pod(), { artifact: { identityHash: HASH, uid: '..' } }],
    ['InvalidArtifactRef', 'the uid is empty', pod(), { artifact: { identityHash: HASH, uid: '' } }],
  ])('refuses with %s where %s', (reason, _, target, change) => {
    const refused = () => requestOf(assignment(change), target, '/store');
    expect(refused).toThrow(TerminalError);
    expect(refused).toThrow(expect.objectContaining({ reason }));
  });

  it.each(['pod', 'container'] as const)('refuses a capture without spec.%s', (field) => {
    const object = assignment();
    delete object.spec[field];
    expect(() => requestOf(object, pod(), '/store')).toThrow(
      expect.objectContaining({ reason: 'InvalidSpec' }),
    );
  });

  it.each<readonly [string, string, V1Volume]>([
    ['emptyDir', '/data', { name: 'v', emptyDir: {} }],
    ['emptyDir', '/data', { name: 'v', emptyDir: { medium: 'Memory' } }],
    ['other', '/dev/shm', { name: 'v', emptyDir: { medium: 'Memory' } }],
    ['projected', '/data', { name: 'v', configMap: { name: 'c' } }],
    ['projected', '/data', { name: 'v', secret: { secretName: 's' } }],
    ['projected', '/data', { name: 'v', downwardAPI: {} }],
    ['projected', '/data', { name: 'v', projected: {} }],
    ['other', '/data', { name: 'v', hostPath: { path: '/x' } }],
    ['other', '/data', { name: 'v', persistentVolumeClaim: { claimName: 'c' } }],
    ['control', '/snapshot-control', { name: CONTROL_VOLUME, emptyDir: {} }],
    ['control', '/.snapshot', { name: STANDBY_VOLUME, emptyDir: {} }],
    ['control', '/.snapshot/standby', { name: STANDBY_PROGRAM_VOLUME, configMap: { name: 'c' } }],
  ])('takes as %s at %s the volume %j', (kind, mountPath, volume) => {
    const request = requestOf(
      assignment(),
      pod({ volumes: [volume], mounts: { [mountPath]: volume.name } }),
      '/store',
    );
    expect(factsOf(request)?.volumes).toEqual([{ name: volume.name, mountPath, kind }]);
  });

  it('leaves out the volumes that the container does not mount', () => {
    const volumes = [
      { name: 'mine', emptyDir: {} },
      { name: 'other', emptyDir: {} },
    ];
    const request = requestOf(assignment(), pod({ volumes, mounts: { '/mine': 'mine' } }), '/store');
    expect(factsOf(request)?.volumes.map((v) => v.name)).toEqual(['mine']);
  });

  it('has no liveness budget where nothing is probed', () => {
    expect(factsOf(requestOf(assignment(), pod(), '/store'))).not.toHaveProperty('livenessBudgetSeconds');
  });

  it.each<readonly [string, V1Probe, V1Probe]>([
    ['more failures', { failureThreshold: 2 }, { failureThreshold: 5 }],
    [
      'a longer period',
      { failureThreshold: 3, periodSeconds: 1 },
      { failureThreshold: 3, periodSeconds: 20 },
    ],
    ['a longer timeout', { timeoutSeconds: 1 }, { timeoutSeconds: 9 }],
    ['the defaults', { failureThreshold: 2, periodSeconds: 1 }, {}],
  ])('gives a larger liveness budget for %s', (_, strict, lax) => {
    const budget = (liveness: V1Probe) =>
      factsOf(requestOf(assignment(), pod({ liveness }), '/s'))?.livenessBudgetSeconds ?? 0;
    expect(budget(strict)).toBeGreaterThan(0);
    expect(budget(lax)).toBeGreaterThan(budget(strict));
  });
});
