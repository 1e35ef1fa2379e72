/** What must hold of pods and objects after every fault; each broken one is a sentence. What is left over is in leftovers.ts. */
import { join } from 'node:path';
import { isFinal } from '@dynamo-snapshot/api/assignment';
import { ASSIGNMENT, CHECKPOINT } from '@dynamo-snapshot/api/names';
import type { ProcessId } from '../cluster/process';
import { isRunning } from '../cluster/process';
import { run } from '../cluster/run';
import { count, state } from '../workload';
import type { CheckpointObject, PodStatus } from '../world';
import { conditionOf, restoredCondition } from '../world';
import type { AssignmentObject, Lab } from './lab';
import { asked, becomes, containerOf, podOf } from './lab';
import { remaps } from './leftovers';
import { added, viewOf } from './mounts';
import type { FaultNode } from './node';
import { commandLine, readOr } from './node';

/** Objects have this long to reach a final phase. */
const FINAL_SECONDS = 60;

export interface Source {
  readonly pod: string;
  readonly ip: string;
  readonly restarts: number;
  /** What it sees mounted. */
  readonly mounts: readonly string[];
  /** The last answer before the fault. */
  readonly counter: number;
}

/** It serves, has not begun anew, and nothing holds it. */
export async function sourceFaults(
  lab: Lab,
  { pod, ip, restarts, mounts, counter }: Source,
): Promise<readonly string[]> {
  let after = 0;
  const answers = await becomes(async () => (after = await count(ip)) > 0, 30);
  if (!answers) return ['the source does not answer'];
  const now =
    (await asked(() => lab.reader.get<PodStatus>('pods', pod)))?.status.containerStatuses?.find(
      (c) => c.name === 'main',
    )?.restartCount ?? -1;
  const { pids, held } = await holders(lab.nodes[0], await containerOf(lab, pod, 'main'));
  const seen = viewOf(pids[0] ?? 0);
  return [
    ...(after > counter ? [] : [`the source's counter went from ${counter} to ${after}`]),
    ...(now === restarts ? [] : [`the source was restarted ${now - restarts} times`]),
    ...((await state(ip)).modelIntact ? [] : ["the source's memory is not what it was"]),
    ...added(mounts, seen).map((mount) => `the source has a mount more, ${mount}`),
    ...added(seen, mounts).map((mount) => `the source has lost its mount ${mount}`),
    ...held.map((how) => `the source: ${how}`),
  ];
}

interface Held {
  readonly pids: readonly number[];
  readonly held: readonly string[];
}

/** Freezers, tracers, stops, and CRIU's rules in its network. */
async function holders(node: FaultNode, id: string): Promise<Held> {
  const processes = await node.containerProcesses(id);
  const file = (hierarchy: string, name: string) =>
    readOr(join(node.containerGroup(id, hierarchy) ?? '', name)).trim();
  const stuck = processes.filter(({ pid }) => isStuck(readOr(`/proc/${pid}/status`)));
  const [main] = processes;
  const frozen =
    file('unified', 'cgroup.freeze') === '1' || file('freezer', 'freezer.state').startsWith('FR');
  const held = [
    ...(main === undefined ? ['it has no process'] : []),
    ...(frozen ? ['it is frozen'] : []),
    ...(stuck.length > 0
      ? [`its processes ${stuck.map((p) => p.pid).join(', ')} are stopped or traced`]
      : []),
    ...(main !== undefined && (await hasRules(main)) ? ["CRIU's rules are in its network"] : []),
  ];
  return { pids: processes.map(({ pid }) => pid), held };
}

/** By its /proc/PID/status, which is empty once it is gone. */
export const isStuck = (status: string): boolean =>
  /^TracerPid:\s*[1-9]/m.test(status) || /^State:\s*[Tt]/m.test(status);

/** As iptables-save prints them: CRIU makes a chain, and rules with a mark (criu/netfilter.c). */
export const areOfCriu = (rules: string): boolean => /CRIU|0xC114/i.test(rules);

/** A network that cannot be looked at, because its process has ended, has none. */
async function hasRules(main: ProcessId): Promise<boolean> {
  const inNetwork = (program: string) =>
    run({ argv: ['nsenter', '--target', String(main.pid), '--net', '--', program] });
  try {
    return areOfCriu((await inNetwork('iptables-save')) + (await inNetwork('ip6tables-save')));
  } catch (error) {
    if (await isRunning(main)) throw error;
    return false;
  }
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
  if (!ended && list.length === 0)
    return { end: 'unknown', faults: ['the assignments could not be looked at'] };
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
  const { pids, held } = await holders(lab.nodes[1], await containerOf(lab, pod, 'main'));
  const workers = pids.filter((pid) => isWorker(commandLine(pid)));
  return [
    ...(modelIntact ? [] : ["the worker's memory is not what it was"]),
    ...(status === truth ? [] : [`the worker has counted to ${counter}, and ${said}`]),
    // A half-restored tree would lie beside one that has started cold.
    ...(workers.length === 1 ? [] : [`the pod has ${workers.length} workers`]),
    ...held.map((how) => `the pod: ${how}`),
    ...remaps(lab.nodes[1]).map((name) => `left over: ${name}`),
  ];
}

export const isWorker = (line: string): boolean => /^\S*python3 .*\/app\/server\.py/.test(line);
