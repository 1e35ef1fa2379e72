/** Shows that a cluster leaves nothing on the machine. */
import { hierarchies, memberCgroup, processesIn } from './cgroups';
import type { Cluster } from './cluster';
import { down, inNode, up } from './cluster';
import { MEMBER_NAMES, NODE_NAMES } from './instance';
import type { Instance } from './instance';
import { PAUSE_IMAGE } from './node';
import { ensurePackages } from './packages';
import { difference, namespacesOf, takePicture } from './picture';
import type { Scope } from './picture';
import { poll } from './poll';
import type { Progress } from './progress';
import { run } from './run';
import { instanceNames, readState } from './state';

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

/** Every other cluster that was seen so far; one that is being made or removed is seen in one of several looks. */
class Others {
  readonly #seen = new Map<string, Instance>();

  async look(own: string): Promise<readonly Instance[]> {
    const names = (await instanceNames()).filter((name) => name !== own);
    for (const state of await Promise.all(names.map(readState)))
      if (state !== undefined) this.#seen.set(`${state.name} ${state.index}`, state);
    return [...this.#seen.values()];
  }
}

/** Namespaces of everything that runs in the cluster, without those of this process. */
async function ownNamespaces(name: string): Promise<readonly string[]> {
  const all = await hierarchies();
  const pids = await Promise.all(MEMBER_NAMES.map((member) => processesIn(all, memberCgroup(name, member))));
  const machine = await namespacesOf('self');
  const found = await Promise.all(pids.flat().map(namespacesOf));
  return [...new Set(found.flat())].filter((namespace) => namespace !== '?' && !machine.includes(namespace));
}

/** What ends with a cluster may take a moment, and other clusters are seen only once they have written their state. */
const SETTLE = { limitMs: 15_000, everyMs: 500 } as const;

/** Starts a cluster, runs pods, takes it down and returns what is different from before. An empty list is the aim. */
export async function selfcheck(name: string, progress: Progress): Promise<readonly string[]> {
  if (await readState(name)) throw new Error(`the cluster "${name}" exists: choose another --name`);
  // What a fresh machine gets installed stays, and the picture is taken with some of it.
  await ensurePackages(progress);
  const others = new Others();
  await others.look(name);
  const before = await takePicture();
  const cluster = await up(name, progress);
  progress('running a pod on each node, one of them frozen');
  await occupy(cluster);
  const namespaces = await ownNamespaces(name);
  const scope = async (): Promise<Scope> => ({ name, namespaces, others: await others.look(name) });
  const during = difference(before, await takePicture(), await scope());
  progress(`while it is up ${during.length} things are there that were not before`);
  await down(name, progress);
  if (!during.some((line) => line.startsWith('+ process')))
    throw new Error('not one process of the cluster was seen while it was up: this check sees nothing');
  let left: readonly string[] = [];
  const clean = async (): Promise<boolean> => {
    const after = await takePicture();
    left = difference(before, after, await scope());
    return left.length === 0;
  };
  await poll(clean, SETTLE);
  return left;
}
