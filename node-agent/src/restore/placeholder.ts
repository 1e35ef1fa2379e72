/** How the engine speaks to the standby of a placeholder: claim it, or end its waiting without a restore. */
import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs';
import { standbyComm, standbySignal } from '@dynamo-snapshot/api/control';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import type { Fallback } from '@dynamo-snapshot/api/standby';
import type { EngineConfig } from '../config';
import type { Because } from '../engine';
import type { ContainerCgroups } from '../linux/cgroup';
import { containerCgroups } from '../linux/cgroup';
import type { ContainerId, ProcessRef } from '../linux/ids';
import { isAlive, processRef } from '../linux/proc';
import { sigqueue } from '../linux/syscalls';
import { comesTrue } from '../linux/wait';
import { Cri } from '../runtime/cri';
import type { ContainerFacts } from '../runtime/facts';
import { endLeftovers, nameOf } from './leftovers';

export interface Target {
  readonly facts: ContainerFacts;
  readonly placeholder: ProcessRef;
  readonly groups: ContainerCgroups;
}

export async function observeTarget(id: ContainerId, config: EngineConfig): Promise<Target> {
  const cri = new Cri(config.criSocket);
  try {
    const facts = await cri.container(id);
    const placeholder = processRef(facts.pid);
    if (placeholder === undefined) throw new TerminalError('ContainerGone', 'the placeholder ended');
    return { facts, placeholder, groups: containerCgroups(config.cgroupRoot, facts.pid, facts.id) };
  } finally {
    cri.close();
  }
}

const waits = (name: string): boolean => name === standbyComm.waiting || name === standbyComm.claimed;

/** standby answers a signal within a millisecond; the rest is for a node with no processor to spare. */
const ANSWER_MS = 5000;

/**
 * From now on standby does not fall back by itself for so many seconds. A PID 1 that is no waiting standby is left alone: to a
 * worker this signal would be the end. Whether it was claimed is seen by its name.
 */
export async function claim(placeholder: ProcessRef, seconds: number): Promise<void> {
  if (!isAlive(placeholder) || !waits(nameOf(placeholder.pid))) return;
  sigqueue(placeholder.pid, standbySignal.claim, Math.ceil(seconds));
  await comesTrue(() => nameOf(placeholder.pid) !== standbyComm.waiting, ANSWER_MS);
}

/** Runs the original command, or ends the container with the reason. A placeholder that has started cold by itself is content. */
export async function endWaiting(
  how: Fallback,
  because: Because,
  { placeholder, groups }: Pick<Target, 'placeholder' | 'groups'>,
): Promise<void> {
  const name = nameOf(placeholder.pid);
  if (name === standbyComm.restored)
    throw new TerminalError('AlreadyRestored', 'the container holds a restored worker');
  if (!waits(name)) {
    if (how === 'ColdStart' && name !== standbyComm.failed && isAlive(placeholder)) return;
    throw new TerminalError(
      'NotWaiting',
      `PID 1 of the container is ${name || 'gone'}, not a standby that waits`,
    );
  }
  await endLeftovers(groups, placeholder);
  const text = `${because.reason}: ${because.message}`;
  write(
    `/proc/${placeholder.pid}/fd/2`,
    `standby: ${how === 'Fail' ? 'failing' : 'starting cold'}: ${text}\n`,
  );
  if (how === 'Fail') write(`/proc/${placeholder.pid}/root/dev/termination-log`, text);
  sigqueue(placeholder.pid, how === 'Fail' ? standbySignal.fail : standbySignal.coldStart, 0);
  const obeyed = () => !isAlive(placeholder) || !waits(nameOf(placeholder.pid));
  if (!(await comesTrue(obeyed, ANSWER_MS)))
    throw new Error(`standby did not obey within ${ANSWER_MS / 1000} s`);
}

/** For people; a log that takes nothing (a full pipe, a closed one) is no reason to stop. */
function write(path: string, text: string): void {
  try {
    if (!existsSync(path)) return;
    const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, text.slice(0, LONGEST));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    console.error(`write ${path}: ${explain(error)}`);
  }
}

/** The kubelet reads so much of a termination log (core/v1 Container.terminationMessagePath). */
const LONGEST = 4096;
