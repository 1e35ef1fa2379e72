import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binds, cgroupMounts, inCgroups, inMember, setupScript } from '../member';

const HYBRID = [
  { mountPoint: '/sys/fs/cgroup/cpu,cpuacct', version: 1, options: 'cpu,cpuacct' },
  { mountPoint: '/sys/fs/cgroup/unified', version: 2, options: '' },
] as const;

it('gives each node its own folders at the standard paths and both the same shared one', () => {
  const [a, b] = [binds('dev', 'node-a'), binds('dev', 'node-b')];
  expect(a.map(({ target }) => target)).toEqual(b.map(({ target }) => target));
  const same = a.filter(({ source }) => b.some((other) => other.source === source));
  expect(same).toEqual([
    { source: '/var/lib/dynamo-snapshot-clusters/dev/shared', target: '/var/lib/dynamo-snapshot-shared' },
  ]);
});

it('mounts the cgroup hierarchies anew in the hybrid set-up', () => {
  expect(cgroupMounts(HYBRID)).toEqual([
    'umount -R /sys/fs/cgroup',
    'mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup',
    "mkdir -p '/sys/fs/cgroup/cpu,cpuacct'",
    "mount -t cgroup -o cpu,cpuacct cgroup '/sys/fs/cgroup/cpu,cpuacct'",
    "ln -s '/sys/fs/cgroup/cpu,cpuacct' /sys/fs/cgroup/cpu",
    "ln -s '/sys/fs/cgroup/cpu,cpuacct' /sys/fs/cgroup/cpuacct",
    "mkdir -p '/sys/fs/cgroup/unified'",
    "mount -t cgroup2 cgroup2 '/sys/fs/cgroup/unified'",
  ]);
});

it('needs no file system around the only hierarchy of a version 2 machine', () => {
  expect(cgroupMounts([{ mountPoint: '/sys/fs/cgroup', version: 2, options: '' }])).toEqual([
    'umount -R /sys/fs/cgroup',
    "mkdir -p '/sys/fs/cgroup'",
    "mount -t cgroup2 cgroup2 '/sys/fs/cgroup'",
  ]);
});

it('cuts the mounts off from the machine before it makes any', () => {
  const lines = setupScript('dev', 'node-a', HYBRID, '/cache/pause').split('\n');
  expect(lines.slice(0, 3)).toEqual(['set -eu', 'mount --make-rprivate /', 'mount -t proc proc /proc']);
  expect(lines.at(-1)).toBe("exec '/cache/pause'");
});

it('is a script that a shell can read', () => {
  const { status, stderr } = spawnSync('sh', [
    '-n',
    '-c',
    setupScript('dev', 'node-b', HYBRID, "/it's here/pause"),
  ]);
  expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
});

describe('starting in cgroups', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'in-cgroups-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('enters with the number that the command then has, and hands the arguments on', () => {
    const [file, ...args] = inCgroups([dir], ['sh', '-c', 'echo $$ "$1"', 'x', 'a  b']);
    const { stdout } = spawnSync(file, args);
    expect(stdout.toString()).toBe(`${readFileSync(join(dir, 'cgroup.procs'), 'utf8').trim()} a  b\n`);
  });

  it('does not run the command when it cannot enter', () => {
    const [file, ...args] = inCgroups([join(dir, 'missing')], ['echo', 'ran']);
    const { status, stdout } = spawnSync(file, args);
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 125, stdout: '' });
  });
});

it('enters all namespaces of a member', () => {
  expect(inMember({ pid: 7, startTime: '1' }, ['ctr', 'version']).join(' ')).toBe(
    'nsenter --target 7 --mount --uts --net --pid --cgroup -- ctr version',
  );
});
