import { mkdir, readFile, readlink, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DAEMONS,
  cgroupDirs,
  createCgroups,
  delegate,
  hierarchies,
  joinDaemons,
  memberCgroup,
} from './cgroups';
import type { Hierarchy } from './cgroups';
import { SHARED_MOUNT, logFile, memberDir, sharedDir } from './instance';
import type { MemberName } from './instance';
import { poll } from './poll';
import { identify, isRunning, onlyChild } from './process';
import type { ProcessId } from './process';
import { startDaemon } from './run';
import type { Argv } from './run';

/** A folder of the machine that the member sees at another path. */
export interface Bind {
  readonly source: string;
  readonly target: string;
}

/** Paths that every program of a node takes for granted; each node has its own behind them. */
const NODE_PATHS: readonly string[] = [
  '/var/lib/containerd',
  '/var/lib/kubelet',
  '/var/lib/cni',
  '/etc/cni/net.d',
  '/var/log/pods',
  '/var/log/containers',
  '/var/lib/dynamo-snapshot',
];

/** What the kubelet sets for the whole machine; the node is shown the values it wants instead, so the machine keeps its own. */
const SHOWN_SYSCTLS: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

const sysctlFile = (name: string, member: MemberName, sysctl: string): string =>
  join(memberDir(name, member), 'sysctl', sysctl.replaceAll('/', '.'));

/** The bind mounts of a member: none for the control plane, which keeps its files under its own folder. */
export function binds(name: string, member: MemberName): readonly Bind[] {
  if (member === 'cp') return [];
  const own = (path: string): string => join(memberDir(name, member), 'root', path);
  return [
    ...NODE_PATHS.map((path) => ({ source: own(path), target: path })),
    { source: sharedDir(name), target: SHARED_MOUNT },
  ];
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Remounts the hierarchies from within the member's cgroup namespace, so that the member's group is their root. */
export function cgroupMounts(all: readonly Hierarchy[]): readonly string[] {
  const top = '/sys/fs/cgroup';
  const tmpfs = all.some(({ mountPoint }) => mountPoint === top)
    ? []
    : [`mount -t tmpfs -o mode=755 cgroup ${top}`];
  return [
    `umount -R ${top}`,
    ...tmpfs,
    ...all.flatMap(({ mountPoint, version, options }) => [
      `mkdir -p ${quote(mountPoint)}`,
      version === 2
        ? `mount -t cgroup2 cgroup2 ${quote(mountPoint)}`
        : `mount -t cgroup -o ${options} cgroup ${quote(mountPoint)}`,
      ...joinedNames(mountPoint).map((name) => `ln -s ${quote(mountPoint)} ${top}/${name}`),
    ]),
  ];
}

/** "cpu,cpuacct" is looked for under each of its names. */
const joinedNames = (mountPoint: string): readonly string[] => {
  const names = (mountPoint.split('/').pop() ?? '').split(',');
  return names.length > 1 ? names : [];
};

/** What PID 1 of a member runs, already in its own namespaces, before it becomes `pause`. */
export function setupScript(
  name: string,
  member: MemberName,
  all: readonly Hierarchy[],
  pause: string,
): string {
  const bound = binds(name, member).map(
    ({ source, target }) => `mount --bind ${quote(source)} ${quote(target)}`,
  );
  const sysctls = Object.keys(SHOWN_SYSCTLS).map((sysctl) => {
    const path = `/proc/sys/${sysctl}`;
    return `[ ! -e ${path} ] || mount --bind ${quote(sysctlFile(name, member, sysctl))} ${path}`;
  });
  return [
    'set -eu',
    'mount --make-rprivate /',
    'mount -t proc proc /proc',
    ...sysctls,
    `hostname ${member}`,
    ...cgroupMounts(all),
    ...all.map(({ mountPoint }) => `echo 0 > ${quote(join(mountPoint, DAEMONS, 'cgroup.procs'))}`),
    'mount -t tmpfs -o mode=755 run /run',
    'mkdir -m 1777 /run/lock',
    ...bound,
    'mount --make-rshared /', // as systemd leaves it: mounts that pods propagate must reach the node
    'ip link set lo up',
    `exec ${quote(pause)}`,
  ].join('\n');
}

/** Runs a command after its own process has entered the given cgroups: what it starts is in them from the beginning. */
export function inCgroups(dirs: readonly string[], argv: Argv): Argv {
  const script =
    'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"';
  return ['sh', '-c', script, 'in-cgroups', ...dirs, '--', ...argv];
}

/** A command line in all namespaces of a member. */
export const inMember = (init: ProcessId, argv: Argv): Argv => [
  ...([
    'nsenter',
    '--target',
    String(init.pid),
    '--mount',
    '--uts',
    '--net',
    '--pid',
    '--cgroup',
    '--',
  ] as const),
  ...argv,
];

async function prepareFolders(name: string, member: MemberName): Promise<void> {
  for (const { source, target } of binds(name, member)) {
    await mkdir(source, { recursive: true });
    await mkdir(target, { recursive: true });
  }
  for (const [sysctl, value] of Object.entries(SHOWN_SYSCTLS)) {
    const file = sysctlFile(name, member, sysctl);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, `${value}\n`);
  }
}

/** Starts a member: its own mount, UTS, network, PID and cgroup namespaces, held by its PID 1. */
export async function startMember(name: string, member: MemberName, pause: string): Promise<ProcessId> {
  const all = await hierarchies();
  const group = memberCgroup(name, member);
  await prepareFolders(name, member);
  await createCgroups(all, group);
  const unshare = [
    'unshare',
    '--mount',
    '--uts',
    '--net',
    '--pid',
    '--cgroup',
    '--fork',
    '--propagation',
    'private',
  ] as const;
  const script = setupScript(name, member, all, pause);
  const log = logFile(name, member, 'init');
  // The namespace's root is the group that the process is in when it unshares.
  const wrapper = await startDaemon(inCgroups(cgroupDirs(all, group), [...unshare, 'sh', '-c', script]), log);
  const init = await initOf(wrapper, pause, log);
  await joinDaemons(all, group, wrapper.pid);
  await delegate(all, group);
  return init;
}

async function initOf(wrapper: ProcessId, pause: string, log: string): Promise<ProcessId> {
  let init: ProcessId | undefined;
  const program = await realpath(pause);
  const settled = async (): Promise<boolean> => {
    if (!(await isRunning(wrapper)))
      throw new Error(`PID 1 ended at once: ${(await readFile(log, 'utf8')).slice(-500)}`);
    init = await onlyChild(wrapper);
    return init !== undefined && (await readlink(`/proc/${init.pid}/exe`).catch(() => '')) === program;
  };
  if (!(await poll(settled, { limitMs: 20_000, everyMs: 20 })) || init === undefined)
    throw new Error(`PID 1 is not set up, see ${log}`);
  return (await identify(init.pid)) ?? init;
}

/** Starts a daemon in a member; returns the nsenter process that lives exactly as long as the daemon. */
export async function startInMember(target: MemberTarget, daemon: string, argv: Argv): Promise<ProcessId> {
  const dirs = cgroupDirs(await hierarchies(), memberCgroup(target.name, target.member), DAEMONS);
  return startDaemon(
    inCgroups(dirs, inMember(target.init, argv)),
    logFile(target.name, target.member, daemon),
  );
}

export interface MemberTarget {
  readonly name: string;
  readonly member: MemberName;
  readonly init: ProcessId;
}
