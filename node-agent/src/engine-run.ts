/** One request, done: what an assignment, the command line and the tests call. Failures become an Outcome. */
import { explain, reasonOf, unreachable } from '@dynamo-snapshot/api/errors';
import { reason } from '@dynamo-snapshot/api/names';
import { capture } from './capture/capture';
import type { DeleteRequest, Outcome, Request, Result, RetainRequest } from './engine';
import type { EngineIo } from './engine-io';
import type { UndoStep } from './journal/step';
import { takeAllBack } from './journal/undo';
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
    const faults = await takeAllBack(undo);
    const why = reasonOf(error, `${request.operation}Failed`);
    return {
      ok: false,
      reason: why,
      message: [explain(error), ...faults].join('; '),
      ...(why === reason.cancelled ? { cancelled: true } : {}),
      ...(faults.length > 0 ? { left: faults } : {}),
    };
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
