import type { NodeFacts } from '../../src/doctor/decide';
import { decide, NEEDED_OPTIONS } from '../../src/doctor/decide';
import type { Mount } from '../../src/linux/mountinfo';

const mount = (root: string, mountPoint: string, source = '/dev/sda1'): Mount => ({
  root,
  mountPoint,
  fsType: 'ext4',
  source,
  superOptions: [],
});
const POD = '/var/lib/kubelet/pods/11111111-2222-3333-4444-555555555555';

const healthy: NodeFacts = {
  socket: '/run/containerd/containerd.sock',
  socketFault: undefined,
  runtime: 'containerd',
  criu: { version: '4.2.1', faults: [] },
  kernel: { release: '6.18.1', options: new Set<string>(NEEDED_OPTIONS) },
  mounts: [
    mount(`${POD}/volumes/kubernetes.io~empty-dir/tmp`, '/tmp'),
    mount('/var/lib/kubelet/seccomp', '/host/seccomp'),
  ],
  seccomp: { folder: '/host/seccomp', profile: 'profiles/block-iouring.json', exists: true },
  disks: [{ path: '/checkpoints', freeBytes: 2 ** 40, totalBytes: 2 ** 41, writable: true }],
  journal: [{ uid: 'u', assignment: 'default/capture-a', alive: true, hasResult: false, ageSeconds: 900 }],
};

const entry = (change: Partial<NodeFacts['journal'][number]>) =>
  ({ ...healthy.journal[0], ...change }) as NodeFacts['journal'][number];
const problems = (change: Partial<NodeFacts>) =>
  decide({ ...healthy, ...change }).filter((c) => c.result === 'problem');

it('a healthy node has none', () => {
  expect(decide(healthy).map((c) => `${c.check} ${c.result}`)).toEqual([
    'RuntimeSocket ok',
    'CriuFeatures ok',
    'KernelOptions ok',
    'SeccompProfile ok',
    'DiskSpace ok',
    'Journal ok',
  ]);
});

it.each<[string, Partial<NodeFacts>, string, string]>([
  [
    'no containerd socket',
    { socketFault: 'there is no such socket' },
    'RuntimeSocket',
    '/run/containerd/containerd.sock: there is no such socket',
  ],
  [
    'CRIU that lacks a feature',
    { criu: { version: '3.17', faults: ['CRIU 3.17 lacks the feature overlayfs_maps'] } },
    'CriuFeatures',
    'lacks the feature overlayfs_maps',
  ],
  [
    'a kernel without an option',
    { kernel: { release: '5.10', options: new Set(NEEDED_OPTIONS.slice(1)) } },
    'KernelOptions',
    'Linux 5.10 is built without CONFIG_CHECKPOINT_RESTORE',
  ],
  [
    'a seccomp path that is not the kubelet’s',
    { mounts: [healthy.mounts[0] as Mount, mount('/data/kubelet/seccomp', '/host/seccomp')] },
    'SeccompProfile',
    "the profile is put into /data/kubelet/seccomp, and the kubelet's folder is /var/lib/kubelet/seccomp",
  ],
  [
    'the same path on another disk',
    { mounts: [healthy.mounts[0] as Mount, mount('/var/lib/kubelet/seccomp', '/host/seccomp', '/dev/sdb1')] },
    'SeccompProfile',
    'the profile is put into',
  ],
  [
    'a profile that is gone',
    { seccomp: { ...healthy.seccomp, exists: false } },
    'SeccompProfile',
    'profiles/block-iouring.json is not in the kubelet',
  ],
  [
    'a full disk',
    { disks: [{ path: '/checkpoints', freeBytes: 2 ** 20, totalBytes: 2 ** 41, writable: true }] },
    'DiskSpace',
    '/checkpoints has 1Mi of 2Ti free',
  ],
  [
    'a disk that is nearly full',
    { disks: [{ path: '/checkpoints', freeBytes: 2 ** 35, totalBytes: 2 ** 41, writable: true }] },
    'DiskSpace',
    '32Gi of 2Ti',
  ],
  [
    'a disk that cannot be written',
    { disks: [{ path: '/checkpoints', freeBytes: 2 ** 40, totalBytes: 2 ** 41, writable: false }] },
    'DiskSpace',
    'cannot be written',
  ],
  [
    'an operation whose process is gone',
    { journal: [entry({ alive: false })] },
    'Journal',
    'default/capture-a (u, its process is gone)',
  ],
  [
    'a result that nobody took',
    { journal: [entry({ hasResult: true, ageSeconds: 7200 })] },
    'Journal',
    'done but never told',
  ],
  [
    'an entry of the journal that cannot be read',
    { journal: [entry({ uid: 'unreadable-u', unreadable: true })] },
    'Journal',
    'cannot be read: unreadable-u',
  ],
])('%s is a problem with a remedy', (_, change, check, words) => {
  const [found, ...more] = problems(change);
  expect(more).toEqual([]);
  expect(found).toMatchObject({
    check,
    message: expect.stringContaining(words),
    remedy: expect.stringMatching(/\w{10}|\w+ \w+/),
  });
});

it.each<[string, Partial<NodeFacts>]>([
  [
    'an operation that died just now: the agent takes it back',
    { journal: [entry({ alive: false, ageSeconds: 5 })] },
  ],
  ['a result that was just written', { journal: [entry({ alive: false, hasResult: true, ageSeconds: 60 })] }],
  [
    'a kubelet root with a name of its own',
    {
      mounts: [
        mount('/mnt/k/pods/11111111-2222-3333-4444-555555555555/etc-hosts', '/etc/hosts'),
        mount('/mnt/k/seccomp', '/host/seccomp'),
      ],
    },
  ],
  [
    'a kubelet root that is a file system',
    {
      mounts: [
        mount('/pods/11111111-2222-3333-4444-555555555555/etc-hosts', '/etc/hosts'),
        mount('/seccomp', '/host/seccomp'),
      ],
    },
  ],
])('no problem: %s', (_, change) => {
  expect(problems(change)).toEqual([]);
});

it('what cannot be seen is unknown, and no problem', () => {
  const found = decide({ ...healthy, kernel: { release: '6.1', options: undefined }, mounts: [] });
  expect(found.filter((c) => c.result === 'unknown').map((c) => c.check)).toEqual([
    'KernelOptions',
    'SeccompProfile',
  ]);
});
