/** What a cluster could leave on the machine, and what of it is different between two looks. */
import { readFile, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { hierarchies } from './cgroups';
import { cacheRoot, stateDir } from './instance';
import type { Instance } from './instance';
import { identify } from './process';
import { run } from './run';
import { instanceNames } from './state';

/** What a cluster could leave on the machine: kind of thing -> one line for each. */
export type Picture = Readonly<Record<string, readonly string[]>>;

/** Whose things are looked at: ours, among whatever else runs on the machine meanwhile. */
export interface Scope {
  readonly name: string;
  /** Links of /proc/PID/ns of the cluster's processes: what escaped from its cgroups is known by them. */
  readonly namespaces: readonly string[];
  /** Clusters that come, go and change meanwhile. */
  readonly others: readonly Instance[];
}

/** Lines that are only in one of two pictures, each with - (was there before) or + (is there now). */
export function difference(before: Picture, after: Picture, scope: Scope): readonly string[] {
  const kinds = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return kinds.flatMap((kind) => {
    const [was, is] = [before[kind] ?? [], after[kind] ?? []];
    const lost = was.filter((line) => !is.includes(line)).map((line) => `- ${kind}: ${line}`);
    const left = is.filter((line) => !was.includes(line)).map((line) => `+ ${kind}: ${line}`);
    const concerns = kind === 'process' ? isOurs : isNobodyElses;
    return [...lost, ...left].filter((line) => concerns(scope, line));
  });
}

const marks = (name: string, line: string): boolean =>
  new RegExp(`ds-${name}-(cp|node-a|node-b)|${stateDir(name)}/|cluster: ${name}$`).test(line);

/** Processes start and end on any machine: one counts when something says that it is the cluster's. */
const isOurs = ({ name, namespaces }: Scope, line: string): boolean =>
  marks(name, line) || namespaces.some((namespace) => line.includes(namespace));

/** All the rest stands still unless somebody changes it: another cluster, or an image that is being built. */
const isNobodyElses = ({ others }: Scope, line: string): boolean =>
  !line.includes(`${cacheRoot()}/buildah/`) &&
  !others.some(({ name, index }) => marks(name, line) || ofIndex(index).test(line));

const ofIndex = (index: number): RegExp =>
  new RegExp(`\\bds${index}\\b|\\b10\\.21[01]\\.(${index}|${2 * index}|${2 * index + 1})\\.`);

async function lines(argv: readonly [string, ...string[]]): Promise<readonly string[]> {
  return (await run({ argv }))
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

/** Firewall rules without counters and comments. Reading them makes empty tables appear in some versions: those are no rules. */
const firewall = async (): Promise<readonly string[]> =>
  (await Promise.all([lines(['iptables-save']), lines(['ip6tables-save'])]))
    .flat()
    .filter((line) => line.startsWith('-A'));

async function folders(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => folders(join(dir, entry.name))),
  );
  return [dir, ...below.flat()];
}

const NAMESPACES = ['mnt', 'net', 'pid', 'uts', 'cgroup'] as const;

export const namespacesOf = (pid: number | 'self'): Promise<readonly string[]> =>
  Promise.all(NAMESPACES.map((space) => readlink(`/proc/${pid}/ns/${space}`).catch(() => '?')));

/** Every process with what may say whose it is: namespaces, command line, cgroup. */
async function processes(): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const id = await identify(pid);
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
      if (id === undefined || text === '') return [];
      const command = text.replaceAll('\0', ' ').slice(0, 200);
      return [
        `${pid} since ${id.startTime}, ${command}, ${cgroup.split('\n')[0]}, ${(await namespacesOf(pid)).join(' ')}`,
      ];
    }),
  );
  return found.flat();
}

const SYSCTLS = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'net/ipv4/ip_forward',
];

/** Looks at everything a cluster touches. */
export async function takePicture(): Promise<Picture> {
  const all = await hierarchies();
  const mountinfo = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter(Boolean);
  const delegated = all
    .filter(({ version }) => version === 2)
    .map(({ mountPoint }) => join(mountPoint, 'cgroup.subtree_control'));
  const values = [...SYSCTLS.map((name) => `/proc/sys/${name}`), ...delegated];
  return {
    process: await processes(),
    mount: mountinfo.map((line) => line.split(' ').slice(2).join(' ')),
    link: (await lines(['ip', '-o', 'link'])).map((line) => line.split(' <')[0] ?? line),
    address: await lines(['ip', '-br', 'address']),
    route: await lines(['ip', 'route', 'show', 'table', 'all']),
    'named network namespace': await lines(['ip', 'netns', 'list']),
    cgroup: (await Promise.all(all.map(({ mountPoint }) => folders(mountPoint)))).flat(),
    'firewall rule': await firewall(),
    value: await Promise.all(
      values.map(async (file) => `${file} ${(await readFile(file, 'utf8').catch(() => '')).trim()}`),
    ),
    cluster: await instanceNames(),
  };
}
