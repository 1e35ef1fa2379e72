/** What must hold after every fault; each broken one is a sentence. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isFinal } from '@dynamo-snapshot/api/assignment';
import { ASSIGNMENT, CHECKPOINT } from '@dynamo-snapshot/api/names';
import { run } from '../cluster/run';
import { count, state } from '../workload';
import type { CheckpointObject, PodStatus } from '../world';
import { conditionOf, restoredCondition } from '../world';
import type { AssignmentObject, Lab } from './lab';
import { asked, becomes, containerOf, podOf } from './lab';
import type { FaultNode } from './node';
import { filesIn, readOr } from './node';
import * as store from './store';

/** Objects have this long to reach a final phase, and nodes to be clean. */
const FINAL_SECONDS = 60;

export interface Source {
  readonly pod: string;
  readonly ip: string;
  readonly restarts: number;
  /** The last answer before the fault. */
  readonly counter: number;
}

/** It serves, has not begun anew, and nothing holds it. */
export async function sourceFaults(
  lab: Lab,
  { pod, ip, restarts, counter }: Source,
): Promise<readonly string[]> {
  let after = 0;
  const answers = await becomes(async () => (after = await count(ip)) > 0, 30);
  if (!answers) return ['the source does not answer'];
  const now =
    (await asked(() => lab.reader.get<PodStatus>('pods', pod)))?.status.containerStatuses?.find(
      (c) => c.name === 'main',
    )?.restartCount ?? -1;
  const held = await holders(lab.nodes[0], await containerOf(lab, pod, 'main'));
  return [
    ...(after > counter ? [] : [`the source's counter went from ${counter} to ${after}`]),
    ...(now === restarts ? [] : [`the source was restarted ${now - restarts} times`]),
    ...((await state(ip)).modelIntact ? [] : ["the source's memory is not what it was"]),
    ...held,
  ];
}

/** Freezers, tracers, stops, and CRIU's rules in its network. */
async function holders(node: FaultNode, id: string): Promise<readonly string[]> {
  const processes = await node.containerProcesses(id);
  const file = (hierarchy: string, name: string) =>
    readOr(join(node.containerGroup(id, hierarchy) ?? '', name)).trim();
  const stuck = processes.filter(({ pid }) => {
    const status = readOr(`/proc/${pid}/status`);
    return !/^TracerPid:\s*0$/m.test(status) || /^State:\s*[Tt]/m.test(status);
  });
  const [main] = processes;
  const rules = main === undefined ? '' : await iptables(main.pid);
  return [
    ...(file('unified', 'cgroup.freeze') === '1' || file('freezer', 'freezer.state') === 'FROZEN'
      ? ['the source is frozen']
      : []),
    ...(stuck.length > 0
      ? [`processes ${stuck.map((p) => p.pid).join(', ')} of the source are stopped or traced`]
      : []),
    ...(rules.includes('CRIU') ? ["CRIU's rules are in the source's network"] : []),
  ];
}

/** Every assignment has ended, also those that came after the struck one; returns how. `earlier` are those of other cases. */
export async function assignmentsEnd(
  lab: Lab,
  earlier: ReadonlySet<string>,
): Promise<{ readonly end: string; readonly faults: readonly string[] }> {
  let list: readonly AssignmentObject[] = [];
  const open = () => list.filter((a) => !isFinal(a.status?.phase as never));
  const ended = await becomes(async () => {
    list = await lab.reader.list<AssignmentObject>(ASSIGNMENT.plural);
    return open().length === 0;
  }, FINAL_SECONDS);
  const end = list
    .filter((a) => a.spec.operation !== 'Delete' && !earlier.has(a.metadata.uid))
    .map(({ status }) => [status?.phase, status?.reason].filter(Boolean).join('/'))
    .join(', ');
  const faults = open().map(
    (a) => `assignment ${a.metadata.name} is ${a.status?.phase ?? 'Pending'} after ${FINAL_SECONDS} s`,
  );
  return { end: end || 'gone', faults: ended ? [] : faults };
}

/** In a final phase, and Ready only with an artifact whose every byte is right. */
export async function checkpointFaults(lab: Lab, name: string): Promise<readonly string[]> {
  let seen: CheckpointObject | undefined;
  const final = async () => {
    seen = await lab.reader.get<CheckpointObject>(CHECKPOINT.plural, name);
    const isLeaving = seen?.metadata.deletionTimestamp !== undefined;
    return seen === undefined || (!isLeaving && ['Ready', 'Failed'].includes(seen.status?.phase ?? ''));
  };
  if (!(await becomes(final, FINAL_SECONDS)))
    return [`checkpoint ${name} is in no final phase after ${FINAL_SECONDS} s`];
  const { phase, location = '' } = seen?.status ?? {};
  return phase === 'Ready' ? artifactFaults(lab, location) : [];
}

const ENGINE = '/opt/dynamo-snapshot/engine.cjs';

/** Every byte is read back, in an agent. What it prints counts: a session may break that an agent's end has cut off. */
async function artifactFaults(lab: Lab, location: string): Promise<readonly string[]> {
  let said = '';
  const verified = await becomes(async () => {
    const agent = await podOf(lab, 'agent');
    const argv = ['exec', agent, '-c', 'agent', '--', 'node', ENGINE, 'verify', `/checkpoints/${location}`];
    const { stdout, stderr } = await lab.kube.try(argv, '', 60);
    said = stdout + stderr;
    return (JSON.parse(stdout) as { faults: string[] }).faults.length === 0;
  }, 100);
  return verified ? [] : [`artifact ${location} is Ready and does not verify: ${said}`];
}

/**
 * Within a minute the pod serves, and its condition says truly what it holds: the restored worker, which has counted, or one that has
 * started cold, which has not.
 */
export async function restoredFaults(lab: Lab, pod: string, counted: number): Promise<readonly string[]> {
  let seen: PodStatus | undefined;
  const final = async () => {
    seen = await lab.reader.get<PodStatus>('pods', pod);
    return seen === undefined || conditionOf(seen, 'Ready')?.status === 'True';
  };
  const isFinal = await becomes(final, FINAL_SECONDS);
  if (seen === undefined) return isFinal ? [] : [`pod ${pod} could not be looked at`];
  const { status, reason, message } = restoredCondition(seen) ?? {};
  const said = `its condition says ${status ?? 'nothing'}, ${reason ?? ''}: ${message ?? ''}`;
  if (!isFinal) return [`the pod does not serve after ${FINAL_SECONDS} s; ${said}`];
  const ip = seen.status.podIP;
  const { modelIntact, counter } = await state(ip);
  const truth = counter >= counted ? 'True' : 'False';
  return [
    ...(modelIntact ? [] : ["the worker's memory is not what it was"]),
    ...(status === truth ? [] : [`the worker has counted to ${counter}, and ${said}`]),
  ];
}

const OURS = /criu\.bin|\/opt\/dynamo-snapshot\/nsrestore|engine\.cjs (operate|recover)/;

/** Processes, cgroups, journal entries, working folders, staging folders, artifacts of checkpoints that are gone. */
export async function leftovers(lab: Lab): Promise<readonly string[]> {
  let found: readonly string[] = [];
  const { name } = lab.cluster;
  const look = async () => {
    const known = (await lab.reader.list<CheckpointObject>(CHECKPOINT.plural)).map((c) => c.status?.location);
    const orphans = store.artifacts(name).filter((path) => !known.includes(path));
    found = [
      ...lab.nodes.flatMap(nodeLeftovers),
      ...store.transient(name),
      ...orphans.map((path) => `artifact ${path}`),
    ];
    return found.length === 0;
  };
  return (await becomes(look, FINAL_SECONDS)) ? [] : found.map((what) => `left over: ${what}`);
}

const nodeLeftovers = (node: FaultNode): readonly string[] => [
  ...filesIn(node.journal).map((uid) => `journal entry ${uid} on ${node.name}`),
  ...filesIn(node.work).map((name) => `${name} in the work folder of ${node.name}`),
  ...node.groups.map((group) => join(group, 'dynamo-snapshot')).filter((dir) => existsSync(dir)),
  ...node.commandLines().filter((line) => OURS.test(line)),
];

const iptables = (pid: number): Promise<string> =>
  run({ argv: ['nsenter', '--target', String(pid), '--net', '--', 'iptables-save'] }).catch(() => '');
