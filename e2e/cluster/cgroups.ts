import { access, mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { during } from '@dynamo-snapshot/api/errors';
import { checkName } from './instance';
import type { MemberName } from './instance';
import { poll } from './poll';

/** A mounted cgroup hierarchy of the machine. */
export interface Hierarchy {
  readonly mountPoint: string;
  readonly version: 1 | 2;
  /** Mount options that name it: "cpu,cpuacct", "none,name=systemd"; empty for version 2. */
  readonly options: string;
}

/** The cgroup of one member of one cluster, relative to a hierarchy's root. Only `memberCgroup` makes it. */
export type MemberCgroup = string & { readonly checked: unique symbol };

const MEMBER_CGROUP = /^ds-[a-z][a-z0-9-]{0,19}-(?:cp|node-a|node-b)$/;
/** Where the member's daemons run, so that its root holds no process (cgroup v2 demands it). */
export const DAEMONS = 'system';

/** Throws on anything that is not exactly one member's group: an empty path would mean the whole machine. */
export function checkMemberCgroup(path: string): MemberCgroup {
  if (!MEMBER_CGROUP.test(path)) throw new Error(`"${path}" is not the cgroup of a cluster's member`);
  return path as MemberCgroup;
}

export const memberCgroup = (name: string, member: MemberName): MemberCgroup =>
  checkMemberCgroup(`ds-${checkName(name)}-${member}`);

const NOT_CONTROLLERS =
  /^(?:rw|ro|xattr|clone_children|nsdelegate|memory_\w+|cpuset_v2_mode|noprefix|favordynmods|release_agent=.*)$/;

/** Reads the hierarchies out of /proc/self/mountinfo. */
export function parseHierarchies(mountinfo: string): readonly Hierarchy[] {
  return mountinfo.split('\n').flatMap((line): readonly Hierarchy[] => {
    const [before, after] = line.split(' - ');
    const mountPoint = before?.split(' ')[4];
    const [type, , superOptions] = after?.split(' ') ?? [];
    if (mountPoint === undefined || superOptions === undefined) return [];
    if (type === 'cgroup2') return [{ mountPoint, version: 2, options: '' }];
    if (type !== 'cgroup') return [];
    const names = superOptions.split(',').filter((option) => !NOT_CONTROLLERS.test(option));
    const options = names.some((option) => option.startsWith('name=')) ? ['none', ...names] : names;
    return [{ mountPoint, version: 1, options: options.join(',') }];
  });
}

export async function hierarchies(): Promise<readonly Hierarchy[]> {
  const found = parseHierarchies(await readFile('/proc/self/mountinfo', 'utf8'));
  if (found.length === 0) throw new Error('this machine has no cgroup hierarchy mounted');
  return found;
}

export const cgroupDirs = (
  all: readonly Hierarchy[],
  ...path: readonly [MemberCgroup, ...string[]]
): readonly string[] => all.map((hierarchy) => join(hierarchy.mountPoint, ...path));

/** Makes the member's group and its daemons' group in every hierarchy. */
export async function createCgroups(all: readonly Hierarchy[], group: MemberCgroup): Promise<void> {
  for (const hierarchy of all) {
    const top = join(hierarchy.mountPoint, group);
    for (const dir of [top, join(top, DAEMONS)]) {
      await during(`make cgroup ${dir}`, () => mkdir(dir, { recursive: true }));
      if (hierarchy.options.split(',').includes('cpuset')) await inheritCpuset(dir);
    }
  }
}

/** A fresh version 1 cpuset group has no CPU and no memory node: nothing can enter it. */
async function inheritCpuset(dir: string): Promise<void> {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const own = await readFile(join(dir, file), 'utf8');
    if (own.trim() === '') await writeFile(join(dir, file), await readFile(join(dir, '..', file), 'utf8'));
  }
}

/**
 * Gives the member the controllers of a machine that has version 2 only; in the hybrid set-up version 2 is there to freeze and kill.
 * Only once no process is in the member's own group any more: version 2 refuses groups with both processes and delegated controllers.
 */
export async function delegate(all: readonly Hierarchy[], group: MemberCgroup): Promise<void> {
  const [only, ...others] = all;
  if (only?.version !== 2 || others.length > 0) return;
  const controllers = (await readFile(join(only.mountPoint, 'cgroup.controllers'), 'utf8'))
    .trim()
    .split(/\s+/)
    .filter(Boolean);
  const enable = controllers.map((controller) => `+${controller}`).join(' ');
  await writeFile(join(only.mountPoint, 'cgroup.subtree_control'), enable);
  await writeFile(join(only.mountPoint, group, 'cgroup.subtree_control'), enable);
}

/** Puts a process into the daemons' group of a member, in every hierarchy. */
export async function joinDaemons(
  all: readonly Hierarchy[],
  group: MemberCgroup,
  pid: number,
): Promise<void> {
  for (const dir of cgroupDirs(all, group, DAEMONS)) await writeFile(join(dir, 'cgroup.procs'), String(pid));
}

/** Every folder of the tree below `dir`, children before parents; nothing if it does not exist. */
async function treeBottomUp(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => treeBottomUp(join(dir, entry.name))),
  );
  return [...below.flat(), dir];
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const THAW = { 'freezer.state': 'THAWED', 'cgroup.freeze': '0' } as const;

/** Thaws the member's groups: a version 1 frozen process does not even die of SIGKILL. */
export async function thaw(all: readonly Hierarchy[], group: MemberCgroup): Promise<void> {
  const trees = await Promise.all(cgroupDirs(all, group).map(treeBottomUp));
  for (const dir of trees.flatMap((tree) => tree.toReversed())) {
    for (const [file, value] of Object.entries(THAW)) {
      if (await exists(join(dir, file))) await writeFile(join(dir, file), value).catch(() => undefined);
    }
  }
}

/** Numbers of the processes that are still in the member's groups. */
export async function processesIn(
  all: readonly Hierarchy[],
  group: MemberCgroup,
): Promise<readonly number[]> {
  const found = new Set<number>();
  for (const top of cgroupDirs(all, group)) {
    for (const dir of await treeBottomUp(top)) {
      const text = await readFile(join(dir, 'cgroup.procs'), 'utf8').catch(() => '');
      for (const pid of text.split('\n').filter(Boolean)) found.add(Number(pid));
    }
  }
  return [...found];
}

/** Ends what is left in the member's group of the version 2 hierarchy; the kernel does it, no process number is involved. */
export async function killGroup(all: readonly Hierarchy[], group: MemberCgroup): Promise<void> {
  for (const hierarchy of all.filter(({ version }) => version === 2)) {
    const file = join(hierarchy.mountPoint, checkMemberCgroup(group), 'cgroup.kill');
    if (await exists(file)) await writeFile(file, '1');
  }
}

/** Removes the member's groups from every hierarchy. They must be empty; the last exits may take a moment to be counted. */
export async function removeCgroups(all: readonly Hierarchy[], group: MemberCgroup): Promise<void> {
  const remove = async (dir: string): Promise<boolean> =>
    rmdir(dir).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    );
  for (const top of cgroupDirs(all, group)) {
    for (const dir of await treeBottomUp(top)) {
      if (!(await poll(() => remove(dir), { limitMs: 10_000, everyMs: 50 })))
        throw new Error(`cgroup ${dir} is still in use`);
    }
  }
}
