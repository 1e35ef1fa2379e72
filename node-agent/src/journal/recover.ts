/**
 * Settles an operation whose process died without a result. First nothing of it may run any more; then what has passed its point of no
 * return is finished, and everything else is taken back. What could not be taken back before is tried again.
 */
import { isDeepStrictEqual } from 'node:util';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { capturedResult } from '../capture/result';
import { mayHaveInfected, SEIZE_PATIENCE_MS, stopDump } from '../criu/hook';
import type { Failure, Outcome, Request } from '../engine';
import { isAlive } from '../linux/proc';
import { comesTrue } from '../linux/wait';
import { withPool } from '../memory/pool';
import { handOver } from '../restore/hand-over';
import { wake } from '../quiesce/run';
import type { Keys } from '../store/keys';
import { readBack } from '../store/read-back';
import type { JournalEntry } from './entry';
import { groupMembers, killMembers } from './group';
import type { FinishStep, UndoStep } from './step';
import { wordsOf } from './step';
import { takeAllBack } from './undo';

/** A CRIU that has code in the source's tasks is waited for; the agent asks again after a failure. */
const DUMP_ENDS_WITHIN_MS = 90_000;
const KILLED_WITHIN_MS = 20_000;

export async function recover(
  entry: JournalEntry,
  cgroupRoot: string,
  keys: Keys,
  threads = 1,
): Promise<Outcome> {
  // It may be unreadable; its name and its steps are enough to take it back.
  const request = entry.asked()?.request;
  const steps = entry.undoSteps();
  const before = entry.result();
  if (before?.ok === true) return before;
  await endMembers(steps, cgroupRoot, entry.uid);
  const outcome =
    before === undefined
      ? ((await finish(request, steps, { keys, threads })) ?? (await undo(steps)))
      : await undo(stepsOf(before, steps), before);
  // The agent watches the entry, and would try again at once.
  if (!isDeepStrictEqual(outcome, before)) entry.writeResult(outcome);
  return outcome;
}

/** Those that could not be taken back before. The others are done: what they would meet now may be somebody else's. */
function stepsOf({ left = [] }: Failure, steps: readonly UndoStep[]): readonly UndoStep[] {
  const again = steps.filter((step) => left.some((one) => one.step === step.do) || step.do === 'handOver');
  return again.some(({ do: what }) => what !== 'handOver') ? again : steps;
}

/** CRIU is asked to let go of a tree, and only killed where that harms nobody (docs/adr/0010); whatever else there is, is killed. */
async function endMembers(steps: readonly UndoStep[], root: string, uid: string): Promise<void> {
  const empty = () => groupMembers(root, uid).length === 0;
  const hook = steps.find((step) => step.do === 'endDump')?.hook;
  if (hook !== undefined && !empty()) {
    stopDump(hook);
    await letGo(hook, empty);
  }
  killMembers(root, uid);
  if (await comesTrue(empty, KILLED_WITHIN_MS)) return;
  throw new Error(`processes of operation ${uid} do not end although they were killed`);
}

/** Returns when CRIU has ended, or hangs before it has touched a task. */
async function letGo(hook: string, empty: () => boolean): Promise<void> {
  await comesTrue(() => empty() || mayHaveInfected(hook), SEIZE_PATIENCE_MS);
  if (!mayHaveInfected(hook) || (await comesTrue(empty, DUMP_ENDS_WITHIN_MS))) return;
  throw new Error('CRIU still works on the source, where nothing may kill it; waiting until it has let go');
}

interface Means {
  readonly keys: Keys;
  readonly threads: number;
}

/** Undefined where nothing is to be finished. */
async function finish(
  request: Request | undefined,
  steps: readonly UndoStep[],
  means: Means,
): Promise<Outcome | undefined> {
  const last = steps.at(-1);
  if (last?.do !== 'publish' && last?.do !== 'handOver') return undefined;
  try {
    return await finishStep(request, last, means);
  } catch (error) {
    if (error instanceof TerminalError) return undefined;
    throw error;
  }
}

async function finishStep(
  request: Request | undefined,
  step: FinishStep,
  { keys, threads }: Means,
): Promise<Outcome | undefined> {
  if (step.do === 'publish') {
    const { manifest, digest, faults } = await withPool(threads, (pool) =>
      readBack(step.path, undefined, keys, pool),
    );
    return faults.length > 0 ? undefined : { ok: true, result: capturedResult(manifest, digest, []) };
  }
  if (request?.operation !== 'Restore' || !isAlive(step.placeholder) || !isAlive(step.root)) return undefined;
  handOver(request, { receipt: step.receipt, placeholder: step.placeholder.pid, seed: step.seed });
  if (step.wake !== undefined) await wake(step.wake);
  return { ok: true, result: { operation: 'Restore', receipt: step.receipt, timings: [] } };
}

const LOST: Failure = {
  ok: false,
  reason: 'OperationLost',
  message: 'the operation ended before it was done, and was taken back',
};

async function undo(steps: readonly UndoStep[], before: Failure = LOST): Promise<Failure> {
  const left = await takeAllBack(steps, before.endedAt);
  const { reason, cancelled, endedAt = Date.now() } = before;
  const message = before === LOST ? [LOST.message, ...left.map(wordsOf)].join('; ') : before.message;
  const how = cancelled === undefined ? {} : { cancelled };
  return { ok: false, reason, message, ...how, ...(left.length > 0 ? { left, endedAt } : {}) };
}
