import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { hostPid } from '../../src/linux/ids';
import { nsrestoreArgs } from '../../src/restore/args';
import type { Place } from '../../src/restore/decide';
import { judge } from '../../src/restore/decide';

const task = {
  nsPid: 1,
  parent: 0,
  name: 'python3',
  threads: 2,
  fds: 3,
  listening: [],
  locks: [],
  limits: 0,
  oomScoreAdj: 0,
};

const manifest: Manifest = {
  version: 2,
  createdAt: '2026-01-01T00:00:00Z',
  artifact: { namespace: 'n', identityHash: 'h', uid: 'u' },
  source: {
    nodeName: 'node',
    architecture: 'x64',
    kernel: '6.8.0-45-generic',
    criuVersion: '4',
    cpuModel: 'Fast 9000',
    cpuFeatures: ['avx512f', 'sse2'],
  },
  container: {
    id: 'c',
    name: 'm',
    podName: 'p',
    podUid: 'u',
    image: 'i',
    imageDigest: 'sha256:a',
    command: [],
  },
  process: {
    count: 1,
    stdio: ['', '', ''],
    memoryBytes: 2 ** 30,
    tree: { processes: [{ ...task, threads: 40 }, task], limits: [] },
  },
  dump: {
    externalMounts: ['/dev', '/etc/conf', '/data'],
    joinedNamespaces: ['uts'],
    pausedSeconds: 0,
    pages: 'criu',
  },
  volumes: [{ name: 'data', mountPath: '/data', file: 'volumes/0.tar' }],
  files: [
    { path: 'rootfs.tar', sizeBytes: 1000, digests: [] },
    { path: 'volumes/0.tar', sizeBytes: 2000, digests: [] },
  ],
  sizeBytes: 1,
};

const place: Place = {
  architecture: 'x64',
  kernel: '6.8.12',
  cpuFeatures: ['avx', 'avx512f', 'sse2'],
  freeBytes: new Map([
    ['/', 1000],
    ['/data', 2000],
  ]),
  freePids: 50,
  imageDigest: 'sha256:a',
  mountPoints: ['/', '/data', '/etc/conf', '/dev', '/.snapshot'],
  processName: 'standby',
  waitingName: 'standby',
};

describe('judge', () => {
  it('has nothing against a placeholder with the same mounts in another order and more', () => {
    expect(judge(manifest, place, false)).toEqual({ reasons: [], skipped: [] });
  });

  it.each<[string, Partial<Place>, RegExp, 'always' | 'skippable']>([
    ['a container that runs something else', { processName: 'python3' }, /PID 1 .* is python3/, 'always'],
    ['a container that is gone', { processName: '' }, /is gone/, 'always'],
    ['a placeholder that is restored already', { processName: 'standby:live' }, /standby:live/, 'always'],
    ['a missing mount', { mountPoints: ['/', '/data', '/dev'] }, /mounted at \/etc\/conf/, 'always'],
    ['too few tasks', { freePids: 49 }, /needs 50 tasks, the pod's limit leaves 49/, 'always'],
    [
      'a full root',
      { freeBytes: new Map([['/data', 2000]]) },
      /files at \/ need 1000B, 0B are free/,
      'always',
    ],
    ['a full volume', { freeBytes: new Map([['/', 1000]]) }, /files at \/data need/, 'always'],
    ['another architecture', { architecture: 'arm64' }, /on x64, this node is arm64/, 'skippable'],
    [
      'a processor that lacks something',
      { cpuFeatures: ['sse2'] },
      /lacks avx512f, .*Fast 9000/,
      'skippable',
    ],
    ['an older kernel', { kernel: '6.7.99' }, /this node runs the older 6\.7\.99/, 'skippable'],
    ['a kernel of an older series', { kernel: '5.15.0' }, /older 5\.15/, 'skippable'],
    ['another image', { imageDigest: 'sha256:b' }, /sha256:a.*sha256:b/, 'skippable'],
    ['too small a limit', { memoryLimitBytes: 2 ** 30 - 1 }, /needs 1Gi of memory, the limit/, 'skippable'],
    [
      'a node without memory',
      { availableMemoryBytes: 1 },
      /needs 1Gi of memory, the node has 1B/,
      'skippable',
    ],
  ])('refuses %s, and says whether that can be skipped', (_, change, reason, kind) => {
    const other = { ...place, ...change };
    const said = [expect.stringMatching(reason)];
    expect(judge(manifest, other, false)).toEqual({ reasons: said, skipped: [] });
    expect(judge(manifest, other, true)).toEqual(
      kind === 'always' ? { reasons: said, skipped: [] } : { reasons: [], skipped: said },
    );
  });

  it.each<[string, Partial<Place>]>([
    ['a limit that is just enough', { memoryLimitBytes: 2 ** 30 }],
    ['a newer kernel', { kernel: '7.0.1' }],
    ['a pod without a limit of tasks', (({ freePids: _, ...rest }) => rest)(place)],
  ])('accepts %s', (_, change) => {
    expect(judge(manifest, { ...place, ...change }, false).reasons).toEqual([]);
  });

  it('says all reasons at once', () => {
    const other = {
      ...place,
      ...{ processName: 'sh', mountPoints: [], freePids: 0, freeBytes: new Map() },
      ...{ kernel: '4.19', cpuFeatures: [], imageDigest: 'x' },
    };
    expect(judge(manifest, other, false).reasons).toHaveLength(10);
  });
});

describe('nsrestoreArgs', () => {
  it('enters every namespace of the placeholder but the mounts and the network', () => {
    const argv = nsrestoreArgs({
      nsrestore: '/opt/nsrestore',
      placeholder: hostPid(4711),
      joined: ['uts', 'ipc'],
      artifactDir: '/store/a',
      digest: 'sha256:d',
      images: '/work/images',
      root: '/root',
      work: '/work',
      criu: '/opt/criu',
      cgroupProcs: ['/cg/a/cgroup.procs', '/cg/b/cgroup.procs'],
      oomScoreAdj: '-997',
      deadlineSeconds: 60,
      hasGate: true,
    });
    expect(argv).toEqual([
      ...['/usr/bin/nsenter', '--uts=/proc/4711/ns/uts', '--ipc=/proc/4711/ns/ipc'],
      ...[
        '--pid=/proc/4711/ns/pid',
        '--',
        '/opt/nsrestore',
        '--artifact',
        '/store/a',
        '--digest',
        'sha256:d',
      ],
      ...['--images', '/work/images', '--root', '/root', '--work', '/work', '--criu', '/opt/criu'],
      ...['--cgroup-procs', '/cg/a/cgroup.procs', '--cgroup-procs', '/cg/b/cgroup.procs'],
      ...['--cgroup-ns', '/proc/1/ns/cgroup'],
      ...['--net-fd', '3', '--stdin-fd', '4', '--stdout-fd', '5', '--stderr-fd', '6'],
      ...['--oom-score-adj', '-997', '--deadline-seconds', '60', '--gate-fd', '7'],
    ]);
  });
});
