import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { hostPid } from '../../src/linux/ids';
import { nsrestoreArgs } from '../../src/restore/args';
import type { Place } from '../../src/restore/decide';
import { reasonsAgainst } from '../../src/restore/decide';

const manifest: Manifest = {
  version: 1,
  createdAt: '2026-01-01T00:00:00Z',
  artifact: { namespace: 'n', identityHash: 'h', uid: 'u' },
  source: { nodeName: 'node', architecture: 'x64', kernel: '6', criuVersion: '4' },
  container: {
    id: 'c',
    name: 'm',
    podName: 'p',
    podUid: 'u',
    image: 'i',
    imageDigest: 'sha256:a',
    command: [],
  },
  process: { count: 1, stdio: ['', '', ''], memoryBytes: 2 ** 30, tree: { processes: [], limits: [] } },
  dump: { externalMounts: ['/dev', '/etc/conf', '/data'], joinedNamespaces: ['uts'], pausedSeconds: 0 },
  volumes: [],
  files: [],
  sizeBytes: 1,
};

const place: Place = {
  architecture: 'x64',
  imageDigest: 'sha256:a',
  mountPoints: ['/', '/data', '/etc/conf', '/dev', '/.snapshot'],
  processName: 'standby',
  waitingName: 'standby',
};

describe('reasonsAgainst a restore', () => {
  it('has none for a placeholder with the same mounts in another order and more', () => {
    expect(reasonsAgainst(manifest, place, false)).toEqual([]);
  });

  it.each<[string, Partial<Place>, RegExp, boolean]>([
    ['a container that runs something else', { processName: 'python3' }, /PID 1 .* is python3/, true],
    ['a container that is gone', { processName: '' }, /is gone/, true],
    ['a placeholder that is restored already', { processName: 'standby:live' }, /standby:live/, true],
    ['a missing mount', { mountPoints: ['/', '/data', '/dev'] }, /nothing is mounted at \/etc\/conf/, true],
    ['another architecture', { architecture: 'arm64' }, /captured on x64, this node is arm64/, false],
    ['another image', { imageDigest: 'sha256:b' }, /sha256:a.*sha256:b/, false],
    ['too small a limit', { memoryLimitBytes: 2 ** 30 - 1 }, /needs 1Gi of memory/, false],
  ])('refuses %s, and says whether that can be skipped', (_, change, reason, always) => {
    const other = { ...place, ...change };
    expect(reasonsAgainst(manifest, other, false)).toEqual([expect.stringMatching(reason)]);
    expect(reasonsAgainst(manifest, other, true)).toHaveLength(always ? 1 : 0);
  });

  it('accepts a limit that is just enough', () => {
    expect(reasonsAgainst(manifest, { ...place, memoryLimitBytes: 2 ** 30 }, false)).toEqual([]);
  });

  it('says all reasons at once', () => {
    const other = { ...place, processName: 'sh', mountPoints: [], architecture: 'arm64', imageDigest: 'x' };
    expect(reasonsAgainst(manifest, other, false)).toHaveLength(6);
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
      root: '/root',
      work: '/work',
      criu: '/opt/criu',
      cgroupProcs: ['/cg/a/cgroup.procs', '/cg/b/cgroup.procs'],
      oomScoreAdj: '-997',
      deadlineSeconds: 60,
    });
    expect(argv).toEqual([
      ...[
        '/usr/bin/nsenter',
        '--uts=/proc/4711/ns/uts',
        '--ipc=/proc/4711/ns/ipc',
        '--cgroup=/proc/4711/ns/cgroup',
      ],
      ...[
        '--pid=/proc/4711/ns/pid',
        '--',
        '/opt/nsrestore',
        '--artifact',
        '/store/a',
        '--digest',
        'sha256:d',
      ],
      ...['--root', '/root', '--work', '/work', '--criu', '/opt/criu'],
      ...['--cgroup-procs', '/cg/a/cgroup.procs', '--cgroup-procs', '/cg/b/cgroup.procs'],
      ...['--net-fd', '3', '--stdin-fd', '4', '--stdout-fd', '5', '--stderr-fd', '6'],
      ...['--oom-score-adj', '-997', '--deadline-seconds', '60'],
    ]);
  });
});
