/** What an operation has made for itself and must have taken away again by the time it has ended: looked for everywhere, after every case. */
import type { Dirent } from 'node:fs';
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CHECKPOINT } from '@dynamo-snapshot/api/names';
import type { CheckpointObject } from '../world';
import type { Lab } from './lab';
import { becomes, containerTold, podOf } from './lab';
import type { LeaseObject } from './leases';
import { leaseFaults } from './leases';
import { added, isOfOperation, isOfPods, views, viewOf } from './mounts';
import type { FaultNode } from './node';
import { commandLine, filesIn, readOr } from './node';
import * as store from './store';

/** Nodes have this long to be clean. */
const CLEAN_SECONDS = 60;

/** The mounts of a node whose agent has done nothing yet. */
export interface Before {
  readonly node: readonly string[];
  readonly agent: readonly string[];
}

export async function mountsBefore(lab: Pick<Lab, 'reader'>, node: FaultNode): Promise<Before> {
  let agent: number | undefined;
  // helm does not wait for every pod of a DaemonSet.
  await becomes(
    async () => (agent = await agentOn(lab, node).catch(() => undefined)) !== undefined,
    CLEAN_SECONDS,
  );
  if (agent === undefined) throw new Error(`there is no agent on ${node.name}`);
  return { node: ownMounts(node, '/proc'), agent: viewOf(agent) };
}

/** Processes, mounts, cgroups, leases, journal entries, working folders, staging folders, artifacts of checkpoints that are gone. */
export async function leftovers(lab: Lab): Promise<readonly string[]> {
  let found: readonly string[] = ['nothing could be looked at'];
  const look = async () => {
    const nodes = await Promise.all(
      lab.nodes.map(async (node, i) => {
        const before = lab.before[i];
        if (before === undefined) throw new Error(`nobody has looked at ${node.name} before`);
        return [...nodeLeftovers(node), ...mountLeftovers(node, before, await agentOn(lab, node))];
      }),
    );
    found = [...nodes.flat(), ...(await storeLeftovers(lab)), ...(await leaseLeftovers(lab))];
    return found.length === 0;
  };
  return (await becomes(look, CLEAN_SECONDS)) ? [] : found.map((what) => `left over: ${what}`);
}

async function storeLeftovers({ reader, cluster: { name } }: Lab): Promise<readonly string[]> {
  const known = (await reader.list<CheckpointObject>(CHECKPOINT.plural)).map((c) => c.status?.location);
  const orphans = store.artifacts(name).filter((path) => !known.includes(path));
  return [...store.transient(name), ...orphans.map((path) => `artifact ${path}`)];
}

async function leaseLeftovers({ reader }: Lab): Promise<readonly string[]> {
  const [leases, pods] = await Promise.all([
    reader.list<LeaseObject>('leases'),
    reader.list<{ readonly metadata: { readonly name: string } }>('pods'),
  ]);
  return leaseFaults(leases, {
    pods: pods.map(({ metadata }) => metadata.name),
    now: Date.now(),
  });
}

/** First process of the agent of a node; it may be on its way back. */
async function agentOn(lab: Pick<Lab, 'reader'>, node: FaultNode): Promise<number | undefined> {
  const id = await podOf(lab, 'agent', node.name).then((pod) => containerTold(lab, pod));
  return id === undefined ? undefined : (await node.containerProcesses(id))[0]?.pid;
}

const OURS = /criu\.bin|\/opt\/dynamo-snapshot\/nsrestore|engine\.cjs (operate|recover)/;
/** What the agent keeps between operations. */
const KEPT = ['journal', 'work'];

export const nodeLeftovers = (node: FaultNode, proc = '/proc'): readonly string[] => [
  ...filesIn(node.journal).map((uid) => `journal entry ${uid} on ${node.name}`),
  ...filesIn(node.work).map((name) => `${name} in the work folder of ${node.name}`),
  ...filesIn(node.state)
    .filter((name) => !KEPT.includes(name))
    .map((name) => `${name} in the state folder of ${node.name}`),
  ...node.groups
    .map((group) => join(group, 'dynamo-snapshot'))
    .filter((dir) => existsSync(dir))
    .map((dir) => `cgroup ${dir}`),
  ...node
    .pids()
    .map((pid) => commandLine(pid, proc))
    .filter((line) => OURS.test(line))
    .map((line) => `process ${line}`),
  ...remaps(node, proc),
];

const ownMounts = (node: FaultNode, proc: string): readonly string[] =>
  viewOf(node.init, proc).filter((mount) => !isOfPods(mount));

/** An agent that is not there has no mounts; the one that comes has new ones. */
export const mountLeftovers = (
  node: FaultNode,
  before: Before,
  agent: number | undefined,
  proc = '/proc',
): readonly string[] => [
  ...added(before.node, ownMounts(node, proc)).map((mount) => `mount of ${mount} on ${node.name}`),
  ...added(before.agent, agent === undefined ? [] : viewOf(agent, proc)).map(
    (mount) => `mount of ${mount} in the agent of ${node.name}`,
  ),
  ...[...views(node.pids(), proc)].flatMap(([pid, mounts]) =>
    mounts
      .filter(isOfOperation)
      .map(
        (mount) =>
          `mount of ${mount} in the view of process ${pid} (${commandLine(pid, proc)}) on ${node.name}`,
      ),
  ),
];

/** Where containers write: a layer of their own each, and the volumes of the pods. */
const writable = (node: FaultNode, proc: string): readonly string[] => [
  ...new Set(
    Array.from(
      readOr(join(proc, String(node.init), 'mountinfo')).matchAll(/upperdir=([^,\s]+)/g),
      ([, dir]) => dir ?? '',
    ),
  ),
  'var/lib/kubelet/pods',
];
/** Names that CRIU gives to unlinked files, and takes away at its end (criu/files-reg.c: create_link_remap). */
const REMAP = /^link_remap\.\d+$/;

/** In whatever runs on the node now: with a pod its files go too. */
export const remaps = (node: FaultNode, proc = '/proc'): readonly string[] =>
  writable(node, proc)
    .flatMap((dir) => filesBelow(join(node.root, dir)))
    .filter((entry) => entry.isFile() && REMAP.test(entry.name))
    .map((entry) => `${relative(node.root, join(entry.parentPath, entry.name))} on ${node.name}`);

/** Pods go while this looks, and their folders with them. */
function filesBelow(dir: string): readonly Dirent[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? filesBelow(join(dir, entry.name)) : [entry]));
  } catch {
    return [];
  }
}
