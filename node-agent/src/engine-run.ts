/** One request, done: what an assignment, the command line and the tests call. Failures become an Outcome. */
import { explain, reasonOf, unreachable } from '@dynamo-snapshot/api/errors';
import { reason } from '@dynamo-snapshot/api/names';
import type { Fallback } from '@dynamo-snapshot/api/standby';
import { capture } from './capture/capture';
import type {
  Because,
  DeleteRequest,
  EndWaitingRequest,
  Outcome,
  Request,
  RestoreRequest,
  Result,
  RetainRequest,
} from './engine';
import type { EngineIo } from './engine-io';
import type { UndoStep } from './journal/step';
import { wordsOf } from './journal/step';
import { takeAllBack } from './journal/undo';
import { fallBack } from './restore/fallback';
import { endWaiting, observeTarget } from './restore/placeholder';
import { restore } from './restore/restore';
import { removeArtifact, retainArtifact } from './store/directory';

/** What of the undo list belongs to a failure only: the last step first. */
export async function perform(request: Request, io: EngineIo): Promise<Outcome> {
  const undo: UndoStep[] = [];
  const willUndo = (step: UndoStep): void => {
    io.willUndo(step);
    undo.push(step);
  };
  try {
    return { ok: true, result: await dispatch(request, { ...io, willUndo }) };
  } catch (error) {
    const from = performance.now();
    const left = await takeAllBack(undo);
    const endedAt = Date.now();
    const why = reasonOf(error, `${request.operation}Failed`);
    const because = { reason: why, message: [explain(error), ...left.map(wordsOf)].join('; ') };
    const ended = request.operation === 'Restore' ? await tryFallBack(request, because, io) : {};
    if (ended.fellBack !== undefined) io.steps.note('fall back', (performance.now() - from) / 1000);
    return {
      ok: false,
      ...because,
      ...(why === reason.cancelled ? { cancelled: true } : {}),
      ...(left.length > 0 ? { left, endedAt } : {}),
      ...ended,
      timings: io.steps.total(),
    };
  }
}

/** Where it cannot be done, the one who asked hears nothing of it, and asks for it. */
async function tryFallBack(
  request: RestoreRequest,
  because: Because,
  { config, log }: EngineIo,
): Promise<{ readonly fellBack?: Fallback }> {
  try {
    const fellBack = await fallBack(request, because, config);
    return fellBack === undefined ? {} : { fellBack };
  } catch (error) {
    log.warn(`fall back to ${request.fallback}: ${explain(error)}`);
    return {};
  }
}

function dispatch(request: Request, io: EngineIo): Promise<Result> {
  switch (request.operation) {
    case 'Capture':
      return capture(request, io);
    case 'Restore':
      return restore(request, io);
    case 'Delete':
      return dispose(request, io, removeArtifact);
    case 'Retain':
      return dispose(request, io, retainArtifact);
    case 'ColdStart':
    case 'Fail':
      return end(request, io);
    default:
      return unreachable(request);
  }
}

async function dispose(
  { operation, artifactDir }: DeleteRequest | RetainRequest,
  io: EngineIo,
  work: (dir: string) => Promise<void>,
): Promise<Result> {
  await io.steps.run(operation.toLowerCase(), () => work(artifactDir));
  return { operation, timings: io.steps.total() };
}

async function end({ operation, containerId, because }: EndWaitingRequest, io: EngineIo): Promise<Result> {
  const target = await io.steps.run('observe', () => observeTarget(containerId, io.config));
  await io.steps.run('end waiting', () => endWaiting(operation, because, target));
  return { operation, timings: io.steps.total() };
}
