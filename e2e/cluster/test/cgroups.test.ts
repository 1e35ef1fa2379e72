import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  cgroupDirs,
  checkMemberCgroup,
  killGroup,
  memberCgroup,
  parseHierarchies,
  processesIn,
  thaw,
} from '../cgroups';
import type { Hierarchy, MemberCgroup } from '../cgroups';

const HYBRID = `24 1 0:22 / /sys rw,relatime - sysfs sysfs rw
30 24 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
31 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
32 30 0:30 / /sys/fs/cgroup/systemd rw,relatime - cgroup systemd rw,xattr,release_agent=/lib/x,name=systemd
33 30 0:31 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
`;

describe('hierarchies', () => {
  it('are read with the options that mount them again', () => {
    expect(parseHierarchies(HYBRID)).toEqual([
      { mountPoint: '/sys/fs/cgroup/cpu,cpuacct', version: 1, options: 'cpu,cpuacct' },
      { mountPoint: '/sys/fs/cgroup/systemd', version: 1, options: 'none,name=systemd' },
      { mountPoint: '/sys/fs/cgroup/unified', version: 2, options: '' },
    ]);
  });

  it('are one on a machine with version 2 only', () => {
    const line =
      '30 24 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n';
    expect(parseHierarchies(line)).toEqual([{ mountPoint: '/sys/fs/cgroup', version: 2, options: '' }]);
  });
});

describe('the path of a member', () => {
  it('is made of the names of the cluster and the member', () => {
    expect(memberCgroup('dev', 'node-a')).toBe('ds-dev-node-a');
  });

  it.each([
    '',
    '/',
    '.',
    '..',
    'ds-',
    'ds--cp',
    'ds-dev',
    'ds-dev-cp/..',
    '../ds-dev-cp',
    'ds-dev-cp/',
    'ds-dev-cp\n',
    'ds-dev-node-c',
  ])('is refused when it is "%s"', (path) => {
    expect(() => checkMemberCgroup(path)).toThrow('is not the cgroup');
  });
});

describe('on a tree of files', () => {
  const group = memberCgroup('dev', 'cp');
  let root = '';
  let all: readonly Hierarchy[] = [];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'cgroup-'));
    all = [
      { mountPoint: join(root, 'freezer'), version: 1, options: 'freezer' },
      { mountPoint: join(root, 'unified'), version: 2, options: '' },
    ];
    for (const { mountPoint } of all) {
      await mkdir(join(mountPoint, group, 'system'), { recursive: true });
      await mkdir(join(mountPoint, 'ds-other-cp'));
      for (const dir of ['.', 'ds-other-cp'])
        await writeFile(join(mountPoint, dir, 'cgroup.procs'), '4242\n');
    }
    for (const dir of ['.', 'ds-other-cp', group])
      await writeFile(join(root, 'unified', dir, 'cgroup.kill'), '');
  });

  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  const kills = (): Promise<readonly string[]> =>
    Promise.all(
      ['.', 'ds-other-cp', group].map((dir) => readFile(join(root, 'unified', dir, 'cgroup.kill'), 'utf8')),
    );

  it("finds the member's processes and nobody else's", async () => {
    await writeFile(join(root, 'freezer', group, 'system', 'cgroup.procs'), '7\n8\n');
    await writeFile(join(root, 'unified', group, 'cgroup.procs'), '8\n9\n');
    expect([...(await processesIn(all, group))].sort()).toEqual([7, 8, 9]);
  });

  it('finds none in a group that is gone', async () => {
    expect(await processesIn(all, memberCgroup('gone', 'cp'))).toEqual([]);
  });

  it("kills the member's group only", async () => {
    await killGroup(all, group);
    expect(await kills()).toEqual(['', '', '1']);
  });

  it('kills nothing when the group is gone', async () => {
    await killGroup(all, memberCgroup('gone', 'cp'));
    expect(await kills()).toEqual(['', '', '']);
  });

  it('kills nothing for an empty path', async () => {
    await expect(killGroup(all, '' as MemberCgroup)).rejects.toThrow('is not the cgroup');
    expect(await kills()).toEqual(['', '', '']);
  });

  it('thaws every group below the member', async () => {
    await writeFile(join(root, 'freezer', group, 'system', 'freezer.state'), 'FROZEN');
    await writeFile(join(root, 'freezer', 'ds-other-cp', 'freezer.state'), 'FROZEN');
    await thaw(all, group);
    expect(await readFile(join(root, 'freezer', group, 'system', 'freezer.state'), 'utf8')).toBe('THAWED');
    expect(await readFile(join(root, 'freezer', 'ds-other-cp', 'freezer.state'), 'utf8')).toBe('FROZEN');
  });

  it('names the same group in every hierarchy', () => {
    expect(cgroupDirs(all, group, 'system')).toEqual(
      ['freezer', 'unified'].map((name) => join(root, name, 'ds-dev-cp', 'system')),
    );
  });
});
