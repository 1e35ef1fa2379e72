/** Takes back what a journal entry says; each step may be repeated, and may find that there is nothing left to do. */
import { existsSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { explain, TerminalError, unreachable } from '@dynamo-snapshot/api/errors';
import { UID } from '@dynamo-snapshot/api/layout';
import { removeHook } from '../criu/hook';
import { putBack } from '../cuda/huge-pages';
import { resumeFromJournal } from '../cuda/undo';
import { unlinkRemaps } from '../files/remaps';
import { signal, thaw } from '../linux/cgroup';
import type { ProcessRef } from '../linux/ids';
import { isAlive, processTree, status } from '../linux/proc';
import { comesTrue } from '../linux/wait';
import { wake } from '../quiesce/run';
import type { Attempt } from '../restore/leftovers';
import { endLeftovers } from '../restore/leftovers';
import { removeArtifact } from '../store/directory';
import type { Left, UndoStep } from './step';

/** The kernel ends a trace while it ends the tracer. */
const UNTRACED_WITHIN_MS = 10_000;

/** The last step first, all of them, whatever fails; returns what could not be taken back. `endedAt` as in an Attempt. */
export async function takeAllBack(steps: readonly UndoStep[], endedAt?: number): Promise<readonly Left[]> {
  const root = steps.find((step) => step.do === 'handOver')?.root;
  const left: Left[] = [];
  for (const step of [...steps].reverse()) {
    try {
      await takeBack(step, { root, endedAt });
    } catch (error) {
      left.push({ step: step.do, why: explain(error) });
    }
  }
  return left;
}

export async function takeBack(step: UndoStep, attempt: Attempt = {}): Promise<void> {
  switch (step.do) {
    case 'thaw':
      if (existsSync(step.freezer)) thaw(step.freezer);
      return;
    case 'wake':
      // Who is gone need not be woken.
      return isAlive(step.target.process) ? wake(step.target) : undefined;
    case 'continue':
      return continueAll(step.processes);
    case 'remove':
      return removeFolder(step.path);
    case 'endDump':
      // Nobody else may hold the tree: the operation's group is empty by now (recover.ts), or its CRIU was waited for (dump.ts).
      return removeHook(step.hook);
    case 'unlinkRemaps':
      return void unlinkRemaps(step.process, step.places, step.since);
    case 'cudaResume':
      return resumeFromJournal(step);
    case 'hugePages':
      return putBack(step.claim);
    case 'killRestored':
      return endLeftovers(step, step.placeholder, attempt);
    case 'publish':
      return removePublished(step.path);
    case 'handOver':
      return; // the tree itself is taken back by killRestored
    default:
      unreachable(step);
  }
}

function removeFolder(path: string): void {
  if (!/^(\.staging|restore)-/.test(basename(path)))
    throw new TerminalError('InvalidJournal', `${path} is no staging folder and is not removed`);
  needParent(path);
  // A write that was given up may still make a last file in there.
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

/** It was made in this folder. Where that is gone, so is the volume, and what lies on it would stay for ever. */
function needParent(path: string): void {
  if (!existsSync(dirname(path)))
    throw new Error(`${dirname(path)} is not there, so ${path} cannot be removed`);
}

/** It was renamed into place, and cannot be finished all the same. */
async function removePublished(path: string): Promise<void> {
  if (!UID.test(basename(path)))
    throw new TerminalError('InvalidJournal', `${path} is no artifact and is not removed`);
  needParent(path);
  await removeArtifact(path);
}

/** Of those that ran before, and of what they have forked since, each goes on that stands still now. */
async function continueAll(known: readonly ProcessRef[]): Promise<void> {
  const living = known.filter(isAlive);
  const pids = [...new Set(living.flatMap(({ pid }) => processTree(pid)))];
  const traced = () => pids.filter((pid) => (status(pid)?.tracerPid ?? 0) !== 0);
  const untraced = await comesTrue(() => traced().length === 0, UNTRACED_WITHIN_MS);
  for (const pid of pids) if (status(pid)?.state === 'T') signal(pid, 'SIGCONT');
  if (!untraced) throw new Error(`processes ${traced().join(', ')} are still traced`);
}
