import { readFile, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { hierarchies } from './cgroups';
import type { Cluster } from './cluster';
import { down, inNode, up } from './cluster';
import { NODE_NAMES, stateDir } from './instance';
import { PAUSE_IMAGE } from './node';
import { identify } from './process';
import type { Progress } from './progress';
import { run } from './run';
import { instanceNames, readState } from './state';

/** What a cluster could leave on the machine: kind of thing -> one line for each. */
export type Picture = Readonly<Record<string, readonly string[]>>;

/** Names and indexes of the clusters that are not being looked at: they may change meanwhile. */
export interface Others {
  readonly names: readonly string[];
  readonly indexes: readonly number[];
}

/** Lines that are only in one of two pictures, each with - (was there before) or + (is there now). */
export function difference(before: Picture, after: Picture, others: Others): readonly string[] {
  const kinds = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return kinds.flatMap((kind) => {
    const [was, is] = [before[kind] ?? [], after[kind] ?? []];
    const lost = was.filter((line) => !is.includes(line)).map((line) => `- ${kind}: ${line}`);
    const left = is.filter((line) => !was.includes(line)).map((line) => `+ ${kind}: ${line}`);
    return [...lost, ...left].filter((line) => !belongsTo(others, line));
  });
}

function belongsTo(others: Others, line: string): boolean {
  const bridge = others.indexes.some((index) =>
    new RegExp(`\\bds${index}\\b|\\b10\\.21[01]\\.(${index}|${2 * index}|${2 * index + 1})\\.`).test(line),
  );
  return (
    bridge ||
    others.names.some((name) => new RegExp(`ds-${name}-(cp|node-a|node-b)|${stateDir(name)}/`).test(line))
  );
}

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

/** Processes in other namespaces than ours, or that hold a cluster's files: whatever else starts and ends here is not a cluster's. */
async function processes(): Promise<readonly string[]> {
  const spaces = async (pid: string): Promise<string> =>
    (
      await Promise.all(NAMESPACES.map((space) => readlink(`/proc/${pid}/ns/${space}`).catch(() => '?')))
    ).join(' ');
  const own = await spaces('self');
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const id = await identify(Number(pid));
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
      const foreign =
        (await spaces(pid)) !== own || text.includes('/dynamo-snapshot-clusters/') || cgroup.includes('/ds-');
      if (id === undefined || text === '' || !foreign) return [];
      return [
        `${pid} since ${id.startTime}, ${text.replaceAll('\0', ' ').slice(0, 100)}, ${cgroup.split('\n')[0]}`,
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

/** A pod on each node, one of them frozen: what is hardest to take down. */
async function occupy(cluster: Cluster): Promise<void> {
  const kubectl = [cluster.kubectl, `--kubeconfig=${cluster.kubeconfig}`] as const;
  for (const node of NODE_NAMES) {
    const overrides = JSON.stringify({ spec: { nodeName: node } });
    await run({
      argv: [
        ...kubectl,
        'run',
        `pod-${node}`,
        `--image=${PAUSE_IMAGE}`,
        '--image-pull-policy=Never',
        `--overrides=${overrides}`,
      ],
    });
  }
  const pods = NODE_NAMES.map((node) => `pod/pod-${node}`);
  await run({ argv: [...kubectl, 'wait', '--for=condition=Ready', ...pods, '--timeout=60s'] });
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('the cluster has no node');
  const freeze =
    'for f in /sys/fs/cgroup/freezer/kubepods /sys/fs/cgroup/kubepods; do [ ! -d $f ] || echo "$1" > "$f/$2"; done';
  const version1 = (await hierarchies()).some(({ version }) => version === 1);
  await inNode(node, [
    'sh',
    '-c',
    freeze,
    'freeze',
    ...(version1 ? ['FROZEN', 'freezer.state'] : ['1', 'cgroup.freeze']),
  ]);
}

/** Starts a cluster, runs pods, takes it down and returns what is different from before. An empty list is the aim. */
export async function selfcheck(name: string, progress: Progress): Promise<readonly string[]> {
  if (await readState(name)) throw new Error(`the cluster "${name}" exists: choose another --name`);
  const states = (await Promise.all((await instanceNames()).map(readState))).filter(
    (state) => state !== undefined,
  );
  const before = await takePicture();
  const cluster = await up(name, progress);
  progress('running a pod on each node, one of them frozen');
  await occupy(cluster);
  const during = difference(before, await takePicture(), { names: [], indexes: [] });
  progress(`while it is up ${during.length} things are there that were not before`);
  await down(name, progress);
  const others: Others = {
    names: states.map((state) => state.name),
    indexes: states.map(({ index }) => index),
  };
  return difference(before, await takePicture(), others);
}
