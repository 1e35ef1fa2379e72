import { estimatedFreezeSeconds, memoryBytes, reasonsAgainst } from '../../src/capture/decide';
import type { Seen, SeenProcess } from '../../src/capture/observe';
import type { PodFacts } from '../../src/engine';
import { containerId, hostPid } from '../../src/linux/ids';

const GB = 1e9;
const id = containerId('0123456789abcdef'.repeat(4));

const server: SeenProcess = {
  ref: { pid: hostPid(4711), startTime: '1' },
  name: 'python3',
  state: 'S',
  tracerPid: 0,
  rssBytes: GB,
  namespaces: { pid: 7, user: 8, net: 9, uts: 10, ipc: 11, time: 12 },
  hasMessageQueue: false,
  openPaths: ['/app', '/data/log.txt', 'socket:[1]', 'anon_inode:[eventpoll]'],
  lostLocks: [],
};
const child: SeenProcess = {
  ...server,
  ref: { pid: hostPid(4712), startTime: '2' },
  name: 'worker',
  rssBytes: GB,
};

const seen: Seen = {
  facts: {
    id,
    pid: hostPid(4711),
    name: 'main',
    podName: 'p',
    podUid: 'u',
    image: 'app:1',
    imageDigest: 'sha256:1',
    command: [],
    binds: [],
  },
  root: server.ref,
  processes: [server, child],
  groups: { id, dirs: ['/cg'], freezer: '/cg' },
  frozen: false,
  upperDir: '/upper',
  mountPoints: ['/', '/etc/conf', '/data'],
  externalMounts: [],
  volumes: [
    { name: 'conf', mountPath: '/etc/conf', kind: 'projected' },
    { name: 'data', mountPath: '/data', kind: 'emptyDir' },
  ],
  netInode: 1,
  stdio: ['/dev/null', 'pipe:[1]', 'pipe:[2]'],
  hasSysvShm: false,
  freeBytes: 100 * GB,
  availableMemoryBytes: GB,
  cpu: { model: '', features: [] },
  isInit: true,
};

const pod: PodFacts = {
  namespace: 'n',
  name: 'p',
  uid: 'u',
  nodeName: 'node',
  containerName: 'main',
  volumes: [],
};

const withChild = (change: Partial<SeenProcess>): Seen => ({
  ...seen,
  processes: [server, { ...child, ...change }],
});
const withNamespace = (name: keyof SeenProcess['namespaces']): Seen =>
  withChild({ namespaces: { ...child.namespaces, [name]: 70 } });
const withOpen = (path: string): Seen => withChild({ openPaths: [path] });

describe('reasonsAgainst', () => {
  it('has none against a healthy container', () => {
    expect(reasonsAgainst(seen, pod)).toEqual([]);
    expect(reasonsAgainst(seen, undefined)).toEqual([]);
  });

  it.each<[string, Seen, RegExp]>([
    ['a frozen container', { ...seen, frozen: true }, /is frozen/],
    ['a root that is no overlay', { ...seen, upperDir: undefined }, /no overlay/],
    ['an unreadable network namespace', { ...seen, netInode: 0 }, /network namespace/],
    ['a stopped task', withChild({ state: 'T' }), /4712 \(worker\) is stopped/],
    ['a task in a tracing stop', withChild({ state: 't' }), /4712 \(worker\) is stopped/],
    ['a tracer', withChild({ tracerPid: 99 }), /traced by 99/],
    ['a nested pid namespace', withNamespace('pid'), /namespace of its own \(pid\)/],
    ['a nested user namespace', withNamespace('user'), /namespace of its own \(user\)/],
    ['a network namespace of its own', withNamespace('net'), /namespace of its own \(net\)/],
    ['a hostname of its own', withNamespace('uts'), /namespace of its own \(uts\)/],
    ['a message queue', withChild({ hasMessageQueue: true }), /POSIX message queue/],
    ['a perf event', withOpen('anon_inode:[perf_event]'), /perf event/],
    ['a virtual machine', withOpen('anon_inode:kvm-vm'), /virtual machine/],
    ['an RDMA device', withOpen('/dev/infiniband/uverbs0'), /device/],
    ['a pod that shares its processes', { ...seen, isInit: false }, /shareProcessNamespace/],
    ['a node without memory', { ...seen, availableMemoryBytes: 1000 }, /the node has/],
    ['an io_uring', withOpen('anon_inode:[io_uring]'), /io_uring/],
    ['a userfaultfd', withOpen('anon_inode:[userfaultfd]'), /userfaultfd/],
    ['a bpf map', withOpen('anon_inode:bpf-map'), /BPF/],
    ['a bpf program', withOpen('anon_inode:bpf-prog'), /BPF/],
    ['a GPU', withOpen('/dev/nvidia0'), /GPU/],
    ['a file of the atomic writer', withOpen('/x/..2026_11_23_16_01_10.890416797/app.conf'), /another name/],
    ['a file on a projected volume', withOpen('/etc/conf/app.conf'), /\/etc\/conf\/app\.conf/],
    ['a projected volume as working directory', withOpen('/etc/conf'), /\/etc\/conf open/],
    [
      'an emptyDir that is not mounted',
      { ...seen, mountPoints: ['/', '/etc/conf'] },
      /at \/data, .* volume data/,
    ],
    ['a full store', { ...seen, freeBytes: GB }, /are needed/],
  ])('refuses %s with one reason', (_, facts, reason) => {
    expect(reasonsAgainst(facts, pod)).toEqual([expect.stringMatching(reason)]);
  });

  it.each([
    ['a zombie', withChild({ state: 'Z', openPaths: [] })],
    ['a sleeping task in the kernel', withChild({ state: 'D' })],
    ['a file on an emptyDir', withOpen('/data/x')],
    ['a folder that only begins like a projected volume', withOpen('/etc/conf.d/x')],
    ['a name with two dots and no time stamp', withOpen('/x/..backup/y')],
    ['an event queue', withOpen('anon_inode:[eventfd]')],
  ])('accepts %s', (_, facts) => {
    expect(reasonsAgainst(facts, pod)).toEqual([]);
  });

  it('says all reasons at once', () => {
    const facts = { ...withChild({ state: 'T', tracerPid: 9 }), frozen: true, freeBytes: 0 };
    expect(reasonsAgainst(facts, pod)).toHaveLength(4);
  });

  it.each([
    [2 * GB, 3.29, false],
    [2 * GB, 3.28, true],
    [0, 1, false],
    [60 * GB, 30, true],
  ])('weighs %d bytes against a liveness budget of %d s', (rssBytes, livenessBudgetSeconds, refused) => {
    const facts = { ...seen, processes: [{ ...server, rssBytes }] };
    expect(reasonsAgainst(facts, { ...pod, livenessBudgetSeconds })).toHaveLength(refused ? 1 : 0);
  });
});

describe('the estimate', () => {
  it('grows with the memory of the whole tree', () => {
    expect(memoryBytes(seen)).toBe(2 * GB);
    expect(estimatedFreezeSeconds(2 * GB)).toBeCloseTo(2.3, 9);
  });
});
