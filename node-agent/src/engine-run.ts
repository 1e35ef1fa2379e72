/** One request, done: what an assignment, the command line and the tests call. Failures become an Outcome. */
import { explain, reasonOf, unreachable } from '@dynamo-snapshot/api/errors';
import { reason } from '@dynamo-snapshot/api/names';
import { capture } from './capture/capture';
import type { Outcome, Request, Result } from './engine';
import type { EngineIo } from './engine-io';
import type { UndoStep } from './journal/step';
import { takeAllBack } from './journal/undo';
import { restore } from './restore/restore';
import { removeArtifact } from './store/directory';

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
      return remove(request.artifactDir, io);
    default:
      return unreachable(request);
  }
}

async function remove(artifactDir: string, io: EngineIo): Promise<Result> {
  await io.steps.run('delete', () => removeArtifact(artifactDir));
  return { operation: 'Delete', timings: io.steps.total() };
}
