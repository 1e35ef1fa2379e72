import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { RESTORE_ROOT, VERIFIED } from '@dynamo-snapshot/node-agent/restore/namespace';
import { mountLeftovers, nodeLeftovers } from '../leftovers';
import { FaultNode, STATE } from '../node';

/** Numbers of processes in a made-up /proc. */
const [INIT, AGENT, OTHER] = [100, 200, 300];

let dir: string;
let node: FaultNode;
const write = (path: string, content = ''): void => {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), content);
};

const mount = (point: string, type = 'tmpfs', options = 'rw,relatime', rest = 'rw'): string =>
  `1 2 0:3 / ${point} ${options} shared:4 - ${type} source ${rest}\n`;
const NODE = mount('/', 'ext4') + mount('/run');
const ROOTFS = mount(
  '/run/containerd/io.containerd.runtime.v2.task/k8s.io/c/rootfs',
  'overlay',
  'rw',
  'rw,lowerdir=/a:/b,upperdir=/var/lib/containerd/snapshots/7/fs,workdir=/w',
);
const VIEW = mount('/', 'overlay') + mount('/checkpoints', 'ext4') + mount('/tmp', 'ext4');

function process(pid: number, view: string, mountinfo: string, command = 'sleep\0inf\0'): void {
  write(`proc/${pid}/mountinfo`, mountinfo);
  write(`proc/${pid}/cmdline`, command);
  mkdirSync(join(dir, `proc/${pid}/ns`), { recursive: true });
  rmSync(join(dir, `proc/${pid}/ns/mnt`), { force: true });
  symlinkSync(`mnt:[${view}]`, join(dir, `proc/${pid}/ns/mnt`));
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'leftovers-'));
  const groups = ['pids', 'freezer'].map((hierarchy) => join(dir, hierarchy, 'ds-x-node-a'));
  const init = { pid: INIT, startTime: '1' };
  node = new FaultNode({ name: 'node-a', address: '', podSubnet: '', init }, join(dir, 'root'), groups);
  process(INIT, '1', NODE + ROOTFS);
  process(AGENT, '2', VIEW);
  process(OTHER, '2', VIEW);
  write('pids/ds-x-node-a/cgroup.procs', `${INIT}\n`);
  write('pids/ds-x-node-a/kubepods/a/cgroup.procs', `${AGENT}\n${OTHER}\n`);
  for (const folder of ['journal', 'work']) mkdirSync(join(dir, 'root', STATE, folder), { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));

const found = (): readonly string[] => nodeLeftovers(node, join(dir, 'proc'));

it('finds nothing on a clean node', () => expect(found()).toEqual([]));

it.each<[string, () => void, RegExp]>([
  ['a journal entry', () => write(`root/${STATE}/journal/u/operation.json`), /^journal entry u on node-a$/],
  ['a folder of an operation', () => write(`root/${STATE}/work/hook-u/stop`), /^hook-u in the work folder/],
  ['any other file of the agent', () => write(`root/${STATE}/x.json`), /^x\.json in the state folder/],
  ['a cgroup', () => write('freezer/ds-x-node-a/dynamo-snapshot/u/tasks'), /^cgroup .*freezer/],
  [
    'a CRIU in a container',
    () => process(OTHER, '2', VIEW, '/opt/dynamo-snapshot/criu/criu.bin\0restore\0'),
    /^process .*criu\.bin restore$/,
  ],
  [
    'the process of an operation',
    () => process(OTHER, '2', VIEW, 'node\0/opt/dynamo-snapshot/engine.cjs\0operate\0'),
    /^process .*operate$/,
  ],
  [
    "a name that CRIU gave to a file in a container's layer",
    () => write('root/var/lib/containerd/snapshots/7/fs/srv/link_remap.12'),
    /snapshots\/7\/fs\/srv\/link_remap\.12 on node-a$/,
  ],
  [
    'such a name in a volume',
    () => write('root/var/lib/kubelet/pods/p/volumes/kubernetes.io~empty-dir/data/link_remap.3'),
    /link_remap\.3 on node-a$/,
  ],
])('finds %s', (_, plant, said) => {
  plant();
  expect(found()).toEqual([expect.stringMatching(said)]);
});

describe('mounts', () => {
  const mounts = (): readonly string[] => {
    const before = { node: ['ext4 at / (rw)', 'tmpfs at /run (rw)'], agent: VIEWED };
    return mountLeftovers(node, before, AGENT, join(dir, 'proc'));
  };
  const VIEWED = ['overlay at / (rw)', 'ext4 at /checkpoints (rw)', 'ext4 at /tmp (rw)'];

  it('are none too many on a clean node, whatever its pods have mounted', () => expect(mounts()).toEqual([]));

  it.each<[string, () => void, RegExp]>([
    [
      'of the node',
      () => process(INIT, '1', NODE + mount('/mnt/x')),
      /^mount of tmpfs at \/mnt\/x \(rw\) on node-a$/,
    ],
    [
      'of the agent',
      () => process(AGENT, '3', VIEW + mount('/mnt')),
      /^mount of tmpfs at \/mnt \(rw\) in the agent/,
    ],
    [
      'over one that is there',
      () => process(AGENT, '3', VIEW + mount('/tmp', 'ext4')),
      /ext4 at \/tmp \(rw\) in the agent/,
    ],
    [
      'that has stayed read-only',
      () => process(AGENT, '3', VIEW.replace('/checkpoints rw', '/checkpoints ro')),
      /ext4 at \/checkpoints \(ro\) in the agent/,
    ],
    [
      "of an operation's private view",
      () => process(OTHER, '3', VIEW + mount(RESTORE_ROOT, 'overlay')),
      /restore-root \(rw\) in the view of process 300 \(sleep inf\)/,
    ],
    [
      'of a verified file there',
      () => process(OTHER, '3', VIEW + mount(`${VERIFIED}/rootfs.tar`)),
      /verified\/rootfs\.tar .* process 300/,
    ],
  ])('are found: one %s', (_, plant, said) => {
    plant();
    expect(mounts()).toEqual([expect.stringMatching(said)]);
  });

  it('of an agent that is not there are none', () => {
    const before = { node: ['ext4 at / (rw)', 'tmpfs at /run (rw)'], agent: [] };
    expect(mountLeftovers(node, before, undefined, join(dir, 'proc'))).toEqual([]);
  });
});
