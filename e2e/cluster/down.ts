import { readFile, rm } from 'node:fs/promises';
import { hierarchies, killGroup, memberCgroup, processesIn, removeCgroups, thaw } from './cgroups';
import type { Hierarchy } from './cgroups';
import { MEMBER_NAMES, NODE_NAMES, stateDir } from './instance';
import { removeLinks } from './network';
import { poll } from './poll';
import { onlyChild, signalProcess, stopProcess } from './process';
import type { Progress } from './progress';
import { bootId, ofThisBoot, readState } from './state';
import type { State } from './state';

/** For what ends with its PID 1. What is left then was started by an `up` that was cut off before it could note it down. */
const GRACE_MS = 2000;

/**
 * Takes down whatever there is of a cluster, also one that was never up as a whole. Everything of a member runs in the member's
 * own PID namespace, so the end of its PID 1 is the end of everything; with it go the mounts and links of its namespaces.
 */
export async function takeDown(name: string, progress: Progress): Promise<void> {
  const found = await readState(name);
  const state = found === undefined ? undefined : ofThisBoot(found, await bootId());
  const all = await hierarchies();
  if (state !== undefined) {
    progress('stopping the kubelets');
    await stopKubelets(state);
  }
  progress('ending the members');
  await endMembers(name, all, state);
  progress('removing cgroups, links and files');
  for (const member of MEMBER_NAMES) await removeCgroups(all, memberCgroup(name, member));
  await removeLinks(name, state?.index);
  await removeFiles(name);
}

/** First, so that they start nothing while everything else ends. */
async function stopKubelets(state: State): Promise<void> {
  for (const node of NODE_NAMES) {
    const wrapper = state.members[node]?.daemons['kubelet'];
    const daemon = wrapper === undefined ? undefined : await onlyChild(wrapper);
    await stopProcess(daemon, 3000);
  }
}

async function endMembers(name: string, all: readonly Hierarchy[], state: State | undefined): Promise<void> {
  const groups = MEMBER_NAMES.map((member) => memberCgroup(name, member));
  for (const group of groups) await thaw(all, group);
  for (const member of MEMBER_NAMES) await signalProcess(state?.members[member]?.init, 'SIGKILL');
  const empty = async (): Promise<boolean> => {
    const left = await Promise.all(groups.map((group) => processesIn(all, group)));
    return left.flat().length === 0;
  };
  if (await poll(empty, { limitMs: state === undefined ? 0 : GRACE_MS, everyMs: 50 })) return;
  for (const group of groups) await killGroup(all, group);
  if (!(await poll(empty, { limitMs: 10_000, everyMs: 50 })))
    throw new Error(`processes of the cluster "${name}" do not end`);
}

async function removeFiles(name: string): Promise<void> {
  const dir = stateDir(name);
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8');
  const inside = mountinfo.split('\n').filter((line) => line.split(' ')[4]?.startsWith(`${dir}/`));
  if (inside.length > 0)
    throw new Error(`${dir} is not removed: something is mounted in it:\n${inside.join('\n')}`);
  await rm(dir, { recursive: true, force: true });
}
