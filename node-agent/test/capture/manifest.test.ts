import { checkManifest } from '@dynamo-snapshot/api/validate';
import type { ManifestParts } from '../../src/capture/manifest';
import { manifestWriter } from '../../src/capture/manifest';
import type { Hooks } from '../../src/engine';
import { containerId, hostPid } from '../../src/linux/ids';

const id = containerId('0123456789abcdef'.repeat(4));
const root = { pid: hostPid(4711), startTime: '1' };
const resume = { http: { port: 8000, path: '/resume' } };

const parts = (hooks?: Hooks): ManifestParts => ({
  request: {
    operation: 'Capture',
    artifactDir: '/store/a',
    stagingDir: '/store/.a',
    artifact: { namespace: 'n', identityHash: '0123456789abcdef', uid: 'u' },
    containerId: id,
    afterCapture: 'KeepRunning',
    ...(hooks === undefined ? {} : { hooks }),
  },
  seen: {
    facts: {
      ...{ id, pid: root.pid, name: 'main', podName: 'p', podUid: 'u' },
      ...{ image: 'app:1', imageDigest: 'sha256:1', command: ['app'], binds: [] },
    },
    ...{ root, processes: [], groups: { id, dirs: ['/cg'], freezer: '/cg' }, frozen: false },
    ...{
      upperDir: '/upper',
      mountPoints: ['/'],
      externalMounts: [],
      volumes: [],
      netInode: 1,
      hasSysvShm: false,
    },
    ...{ stdio: ['/dev/null', 'pipe:[1]', 'pipe:[2]'], freeBytes: 1, isInit: true },
    cpu: { model: '', features: [] },
  },
  tree: {
    processes: [
      {
        ...{ nsPid: 1, parent: 0, name: 'app', threads: 1, fds: 3, listening: [], locks: [] },
        ...{ limits: 0, oomScoreAdj: 0 },
      },
    ],
    limits: [{}],
  },
  volumes: [],
  join: [],
  paused: 0.1,
  areas: [],
  memory: { pages: 'criu', why: 'as configured' },
  criuVersion: '4.2.1',
});

const written = (hooks?: Hooks) =>
  manifestWriter(parts(hooks))([{ path: 'criu/core-1.img', sizeBytes: 0, digests: [] }]);

describe('the manifest', () => {
  it('has what wakes a clone, which may be another thing than what wakes its source', () => {
    const hooks = { before: [resume], after: [{ exec: { command: ['go-on'] } }], restored: [resume] };
    expect(written(hooks).dump.wake).toEqual([resume]);
    expect(checkManifest(written(hooks)).dump.wake).toEqual([resume]);
  });

  it.each<[string, Hooks | undefined]>([
    ['no hooks', undefined],
    ['hooks for its source alone', { before: [resume], after: [resume] }],
    ['an empty list', { restored: [] }],
  ])('says nothing of it where there are %s', (_, hooks) => {
    expect(written(hooks).dump).not.toHaveProperty('wake');
  });

  it('is refused with hooks that cannot be called', () => {
    const odd = { http: { port: 0, path: 'resume' } };
    expect(() => checkManifest(written({ restored: [odd] }))).toThrow('/dump/wake/0/http/port');
  });
});
