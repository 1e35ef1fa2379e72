/** The faults: what each does to an operation that is held at a step, and how the surroundings are made whole again afterwards. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { ASSIGNMENT, CHECKPOINT } from '@dynamo-snapshot/api/names';
import { signalProcess } from '../cluster/process';
import { limitMemory, eatMemory } from './memory';
import type { Held } from './held';
import { awaitProcess, ended, Missed } from './held';
import type { Lab } from './lab';
import { containerOf, killDaemon, leader, mainProcess, podOf, revive } from './lab';
import type { FaultNode } from './node';
import { commandLine } from './node';
import type { FaultRule } from './plan';
import * as store from './store';
import { tamper } from './tamper';
import { throttle } from './throttle';

/** Where a fault strikes. */
export interface Scene {
  readonly lab: Lab;
  readonly node: FaultNode;
  readonly held: Held;
  /** The source or the placeholder. */
  readonly pod: string;
  readonly checkpoint: string;
}

export interface Fault extends FaultRule {
  /** The fault itself ends this pod. */
  readonly loses?: 'pod';
  /** Deadline of the operation where it is not the usual one. */
  readonly deadlineSeconds?: number;
  /** Strikes while the operation is held; what it returns is done once the operation runs again. */
  readonly strike: (scene: Scene) => Promise<(() => Promise<void>) | undefined>;
}

const nothingToHeal = async (work: Promise<unknown>): Promise<undefined> => {
  await work;
  return undefined;
};

const capturing = { Capture: 'all' } as const;
const restoring = { Restore: 'all' } as const;
const SLOW_MS = 3000;
const APPEARS_WITHIN_MS = 30_000;

const restart = (member: 'cp' | 'node', daemon: string): Fault => ({
  strike: async ({ lab, node }) => {
    await killDaemon(lab, member === 'cp' ? 'cp' : node.name, daemon);
    return () => revive(lab);
  },
});

export const faults: Readonly<Record<string, Fault>> = {
  'agent killed': {
    strike: async ({ lab, node }) =>
      nothingToHeal(
        signalProcess(await mainProcess(lab, node, await podOf(lab, 'agent', node.name)), 'SIGKILL'),
      ),
  },
  'agent pod deleted': {
    strike: async ({ lab, node }) => {
      const pod = await podOf(lab, 'agent', node.name);
      return nothingToHeal(
        lab.kube.run(['delete', 'pod', pod, '--force', '--grace-period=0', '--wait=false']),
      );
    },
  },
  'operation killed': { strike: ({ held }) => nothingToHeal(signalProcess(held.engine, 'SIGKILL')) },
  'nsrestore killed': {
    at: { Restore: ['restore'] },
    strike: ({ node, held }) => {
      const groups = node.operationGroups(held.uid);
      return killWhenThere(groups, (pid) => commandLine(pid).startsWith('/opt/dynamo-snapshot/nsrestore'));
    },
  },
  'criu killed outside of its window': {
    at: { Capture: ['frozen'], Restore: ['restore'] },
    strike: async ({ lab, node, held, pod }) => {
      // A restoring CRIU joins the groups of the container.
      const container = node.containerGroups(await containerOf(lab, pod, 'main'));
      const groups = [...node.operationGroups(held.uid), ...container];
      return killWhenThere(groups, (pid) => /criu\.bin (dump|restore)/.test(commandLine(pid)));
    },
  },
  'operator killed': {
    strike: async ({ lab }) => {
      const { pod, node } = await leader(lab);
      return nothingToHeal(signalProcess(await mainProcess(lab, node, pod), 'SIGKILL'));
    },
  },
  'API server restarted': restart('cp', 'kube-apiserver'),
  'containerd restarted': restart('node', 'containerd'),
  'kubelet restarted': restart('node', 'kubelet'),
  'store full': {
    at: { Capture: ['observe', 'dump', 'frozen'] },
    strike: async ({ lab, held }) => {
      await store.fill(lab.cluster.name);
      return async () => {
        await ended(held);
        await store.empty(lab.cluster.name);
      };
    },
  },
  'store slow': {
    strike: async ({ lab }) => {
      await store.stall(lab.cluster.name);
      return () => delay(SLOW_MS).then(() => store.goOn(lab.cluster.name));
    },
  },
  'store read-only': {
    at: { Capture: ['observe'], Restore: ['observe', 'verify'] },
    strike: async (scene) => {
      const remount = (mode: 'ro' | 'rw') =>
        inAgent(scene, ['mount', '-o', `remount,bind,${mode}`, '/checkpoints']);
      await remount('ro');
      return async () => {
        await ended(scene.held);
        await remount('rw');
      };
    },
  },
  // The agent sees it, and ends: a new container mounts the volume anew.
  'store gone': {
    strike: (scene) => nothingToHeal(inAgent(scene, ['umount', '-l', '/checkpoints'])),
  },
  'memory limit too small': {
    at: { Restore: ['restore'] },
    strike: async ({ lab, node, pod, held }) => {
      const restoreLimit = limitMemory(node, await containerOf(lab, pod, 'main'));
      return async () => {
        await ended(held);
        restoreLimit();
      };
    },
  },
  'source killed for lack of memory': {
    at: capturing,
    loses: 'pod',
    strike: async ({ lab, node, pod }) => nothingToHeal(eatMemory(node, await containerOf(lab, pod, 'main'))),
  },
  'source pod deleted': { at: capturing, loses: 'pod', strike: (scene) => deletePod(scene) },
  'placeholder deleted': { at: restoring, loses: 'pod', strike: (scene) => deletePod(scene) },
  'image tampered with': { at: { Restore: ['observe'] }, strike: tampering('criu/core-') },
  // Also after everything else was verified, and while there are processes: none of them may run.
  'memory tampered with': { at: { Restore: ['observe', 'fill'] }, strike: tampering('pages/shard-') },
  cancelled: {
    strike: async ({ lab, held }) => {
      const { assignment } = JSON.parse(readFileSync(join(held.entry, 'operation.json'), 'utf8')) as {
        assignment: { name: string };
      };
      const patch = ['patch', ASSIGNMENT.singular, assignment.name, '--type=merge'];
      return nothingToHeal(lab.kube.run([...patch, '-p', '{"spec":{"cancelled":true}}']));
    },
  },
  'checkpoint deleted': {
    at: capturing,
    strike: ({ lab, checkpoint }) =>
      nothingToHeal(lab.kube.run(['delete', CHECKPOINT.singular, checkpoint, '--wait=false'])),
  },
  'deadline passed': {
    // An operation that is slowed down to be met at a short step must come to it before its deadline.
    deadlineSeconds: 30,
    strike: ({ held }) => {
      const { deadline } = JSON.parse(readFileSync(join(held.entry, 'operation.json'), 'utf8')) as {
        deadline: number;
      };
      return nothingToHeal(delay(Math.max(0, deadline - Date.now() + 200)));
    },
  },
};

export const rules: Readonly<Record<string, FaultRule>> = faults;

/** One byte, until the operation has ended. */
function tampering(file: string): Fault['strike'] {
  return async ({ lab, checkpoint, held }) => {
    const restoreByte = await tamper(lab, checkpoint, file);
    return async () => {
      await ended(held);
      restoreByte();
    };
  };
}

const deletePod = ({ lab, pod }: Scene): Promise<undefined> =>
  nothingToHeal(lab.kube.run(['delete', 'pod', pod, '--wait=false']));

/**
 * At once where it is there. Else it comes when the operation runs, so this goes on after it was released; it gets little of a processor
 * until then, for it may be gone within a moment.
 */
async function killWhenThere(
  groups: readonly string[],
  fits: (pid: number) => boolean,
): Promise<(() => Promise<void>) | undefined> {
  const there = await awaitProcess(groups, fits, 0);
  if (await signalProcess(there, 'SIGKILL')) return undefined;
  const fullSpeed = throttle(groups);
  const killed = awaitProcess(groups, fits, APPEARS_WITHIN_MS)
    .then((found) => signalProcess(found, 'SIGKILL'))
    .finally(fullSpeed)
    .catch(() => false); // it ended by itself at that moment
  return async () => {
    if (!(await killed)) throw new Missed('the process to be killed was not met');
  };
}

/** In the mount namespace that the agent and its operations share; a new container has a new one. */
async function inAgent({ lab, node }: Scene, argv: readonly string[]): Promise<void> {
  const pod = await podOf(lab, 'agent', node.name);
  await lab.kube.run(['exec', pod, '--', ...argv]);
}
