/** One node of the cluster as the machine sees it: its files, its cgroups, its processes. Everything found is a checked process. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hierarchies, memberCgroup } from '../cluster/cgroups';
import type { Cluster, ClusterNode } from '../cluster/cluster';
import { inNode } from '../cluster/cluster';
import { memberDir } from '../cluster/instance';
import { poll } from '../cluster/poll';
import type { ProcessId } from '../cluster/process';
import { identify } from '../cluster/process';
import { NAMESPACE, RELEASE } from '../chart';

export const STATE = `var/lib/dynamo-snapshot/${NAMESPACE}/${RELEASE}-dynamo-snapshot`;

export class FaultNode {
  readonly name: ClusterNode['name'];
  readonly #node: ClusterNode;
  /** The node's own files, as the machine sees them. */
  readonly root: string;
  /** Of the agent. */
  readonly state: string;
  readonly journal: string;
  readonly work: string;
  /** The node's own group in each hierarchy. */
  readonly groups: readonly string[];

  constructor(node: ClusterNode, root: string, groups: readonly string[]) {
    this.name = node.name;
    this.#node = node;
    this.root = root;
    this.state = join(root, STATE);
    [this.journal, this.work] = [join(this.state, 'journal'), join(this.state, 'work')];
    this.groups = groups;
  }

  static async of(cluster: Cluster, name: string): Promise<FaultNode> {
    const node = cluster.nodes.find((n) => n.name === name);
    if (node === undefined) throw new Error(`the cluster has no node ${name}`);
    const group = memberCgroup(cluster.name, node.name);
    const groups = (await hierarchies()).map((h) => join(h.mountPoint, group));
    return new FaultNode(node, join(memberDir(cluster.name, node.name), 'root'), groups);
  }

  /** PID 1 of the node. */
  get init(): number {
    return this.#node.init.pid;
  }

  /** Runs a command in all of the node's namespaces. */
  run(argv: readonly [string, ...string[]]): Promise<string> {
    return inNode(this.#node, argv);
  }

  /** All that runs on the node stands still, containers too, as when it has lost its power. */
  freeze(): Promise<void> {
    return this.#freezer('FROZEN');
  }

  thaw(): Promise<void> {
    return this.#freezer('THAWED');
  }

  async #freezer(state: 'FROZEN' | 'THAWED'): Promise<void> {
    const group = this.groups.find((g) => existsSync(join(g, 'freezer.state')));
    if (group === undefined) throw new Error(`node ${this.name} has no group of the freezer`);
    const file = join(group, 'freezer.state');
    writeFileSync(file, state);
    const settled = () => Promise.resolve(readOr(file).trim() === state);
    if (!(await poll(settled, { limitMs: 20_000, everyMs: 50 })))
      throw new Error(`${file} is ${readOr(file).trim()}`);
  }

  /** The groups of one operation, which exist while it runs. */
  operationGroups(uid: string): readonly string[] {
    return this.groups.map((group) => join(group, 'dynamo-snapshot', uid)).filter((dir) => existsSync(dir));
  }

  /** The group of a container in a hierarchy; its folder has the container's id as its name. */
  containerGroup(id: string, hierarchy: string): string | undefined {
    const top = this.groups.find((group) => group.split('/').at(-2) === hierarchy);
    return top === undefined ? undefined : findContainer(top, id);
  }

  /** Its groups in all hierarchies. */
  containerGroups(id: string): readonly string[] {
    return this.groups.flatMap((top) => findContainer(top, id) ?? []);
  }

  /** The group of a container in which its processes are counted. */
  processGroup(id: string): string | undefined {
    return findContainer(this.#processes, id);
  }

  /** Every process is in some group of each hierarchy; with version 2 there is one only. */
  get #processes(): string {
    return this.groups.find((group) => group.split('/').at(-2) === 'pids') ?? this.groups[0] ?? '';
  }

  /** Processes of a container, the first process of the container first. */
  async containerProcesses(id: string): Promise<readonly ProcessId[]> {
    const group = this.processGroup(id);
    return group === undefined ? [] : processesOf(group);
  }

  /** The process that the node knows by this number. */
  async process(pidOnNode: number, among: readonly ProcessId[]): Promise<ProcessId | undefined> {
    const known = await Promise.all(
      among.map(async (id) => ((await nsPids(id.pid))[1] === pidOnNode ? id : undefined)),
    );
    return known.find((id) => id !== undefined);
  }

  /** Everything that runs on the node. */
  pids(): readonly number[] {
    return foldersBelow(this.#processes).flatMap(pidsIn);
  }
}

export async function processesOf(group: string): Promise<readonly ProcessId[]> {
  const found = await Promise.all(pidsIn(group).map((pid) => identify(pid)));
  return found.filter((id) => id !== undefined);
}

export const pidsIn = (group: string): readonly number[] =>
  readOr(join(group, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);

export const readOr = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it has just ended
  }
};

/** Numbers of a process in the machine's, the node's and further pid namespaces. */
async function nsPids(pid: number): Promise<readonly number[]> {
  const line = /^NSpid:\s*(.*)$/m.exec(readOr(`/proc/${pid}/status`))?.[1] ?? '';
  return Promise.resolve(line.split(/\s+/).filter(Boolean).map(Number));
}

export const commandLine = (pid: number, proc = '/proc'): string =>
  readOr(join(proc, String(pid), 'cmdline'))
    .replaceAll('\0', ' ')
    .trim();

/** A folder that nothing has needed yet is empty. */
export const filesIn = (dir: string): readonly string[] => (existsSync(dir) ? readdirSync(dir) : []);

function foldersBelow(dir: string): readonly string[] {
  if (!existsSync(dir)) return [];
  const below = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [dir, ...below.flatMap((entry) => foldersBelow(join(dir, entry.name)))];
}

function findContainer(top: string, id: string): string | undefined {
  if (!/^[0-9a-f]{64}$/.test(id)) throw new Error(`"${id}" is no container id`);
  return foldersBelow(top).find((dir) => dir.endsWith(`/${id}`));
}
