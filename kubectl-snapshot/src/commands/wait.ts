/** Follows a checkpoint or a restored pod until it is done, with what there is to see meanwhile. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { findCondition } from '@dynamo-snapshot/api/conditions';
import { condition } from '@dynamo-snapshot/api/names';
import { humanSeconds } from '@dynamo-snapshot/api/quantity';
import type { Timing } from '@dynamo-snapshot/api/schema';
import { checkpoints } from '../cluster/cluster';
import { exitCode } from '../exit';
import type { Look } from '../operations/operation';
import { progressText } from '../operations/operation';
import type { Session } from '../session';

/** Its namespace is watched by name, so that the right to watch one object is enough. */
export async function waitForCheckpoint(
  session: Session,
  made: DynamoCheckpoint,
  timeout: number,
): Promise<number> {
  const { out, err, signal } = session.world;
  const { name, namespace, uid } = made.metadata;
  const live = out.live();
  const look = { colours: out.colours, bars: out.isTerminal };
  const limit = AbortSignal.timeout(timeout * 1000);
  const what = { ...checkpoints(namespace), fieldSelector: `metadata.name=${name}` };
  const ended = await session.cluster
    .follow<DynamoCheckpoint, DynamoCheckpoint>(what, AbortSignal.any([signal, limit]), (list) => {
      const now = list.find((c) => c.metadata.uid === uid);
      if (now === undefined) return undefined;
      live.draw([phaseLine(now, look)], [phaseLine(withoutBytes(now), look)]);
      return now.status?.phase === 'Ready' || now.status?.phase === 'Failed' ? now : undefined;
    })
    .finally(() => live.done());
  if (ended === undefined) {
    const why = signal.aborted ? 'interrupted' : `not Ready within ${humanSeconds(timeout)}`;
    err.write(`${why}; the capture goes on: kubectl snapshot status -w\n`);
    return signal.aborted ? exitCode.interrupted : exitCode.timedOut;
  }
  if (ended.status?.phase === 'Failed') return exitCode.operationFailed;
  out.write(`${timingsLine(ended.status?.timings ?? [])}\n`);
  return exitCode.ok;
}

function phaseLine({ metadata, status }: DynamoCheckpoint, look: Look): string {
  const { colours } = look;
  const name = colours.bold(metadata.name);
  switch (status?.phase) {
    case 'Ready':
      return `${name}  ${colours.green('Ready')}  ${status.artifact?.size ?? ''}  ${colours.dim(status.location ?? '')}`;
    case 'Failed':
      return `${name}  ${colours.red('Failed')}  ${reasonOf(status)}${status.message ?? ''}`;
    case 'Creating':
      return `${name}  ${progressText(status.progress, look)}${status.message ? `  ${colours.yellow(status.message)}` : ''}`;
    default:
      return `${name}  ${colours.yellow('Pending')}  ${status?.message ?? 'waiting for the operator'}`;
  }
}

function reasonOf(status: NonNullable<DynamoCheckpoint['status']>): string {
  const why = findCondition(status.conditions, condition.ready)?.reason;
  return why === undefined ? '' : `${why}: `;
}

const withoutBytes = (c: DynamoCheckpoint): DynamoCheckpoint => {
  const step = c.status?.progress?.step;
  return step === undefined ? c : { ...c, status: { ...c.status, progress: { step, summary: step } } };
};

/** "observe 0.05s, dump 0.41s, digest 0.20s" */
export const timingsLine = (timings: readonly Timing[]): string =>
  timings.map(({ step, seconds }) => `${step} ${humanSeconds(seconds)}`).join(', ');
