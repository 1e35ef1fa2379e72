/** `status [-w]`: captures and restores that run, and those that ended lately. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { humanSeconds } from '@dynamo-snapshot/api/quantity';
import { assignments } from '../cluster/cluster';
import { exitCode } from '../exit';
import type { Look, Operation } from '../operations/operation';
import {
  current,
  isRunning,
  operationHead,
  operationLine,
  operationLines,
  operationOf,
  operationRow,
} from '../operations/operation';
import { listOf, shown } from '../output/format';
import { table } from '../output/table';
import type { AddCommand, Session } from '../session';
import { seconds } from './values';

interface StatusOptions {
  readonly watch?: boolean;
  readonly untilIdle?: boolean;
  readonly recent: number;
}

export const addStatus: AddCommand = (program, run) => {
  program
    .command('status')
    .description('show captures and restores that run, with progress')
    .option('-w, --watch', 'go on showing them, a bar each, until interrupted')
    .option('--until-idle', 'with --watch: end when nothing runs any more')
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('--recent <seconds>', 'show those too that ended within this time', seconds, 600)
    .addHelpText(
      'after',
      '\nWithout a terminal, --watch writes a line whenever an operation begins, comes to another step, or ends.',
    )
    .action(function (this, options: StatusOptions) {
      return run(this, (session) =>
        options.watch === true ? watch(session, options) : status(session, options),
      );
    });
};

async function status(session: Session, { recent }: StatusOptions): Promise<number> {
  const { out, err, clock } = session.world;
  const found = await session.cluster.listAssignments(session.listNamespace);
  const now = clock.now();
  const shownOnes = current(found.map(operationOf), now, recent);
  if (shownOnes.length === 0 && session.format === 'table') {
    err.write(`nothing runs, and nothing has ended within ${humanSeconds(recent)}\n`);
    return exitCode.ok;
  }
  const names = new Set(shownOnes.map((o) => `${o.namespace}/${o.name}`));
  const raw = found.filter(({ metadata }) => names.has(`${metadata.namespace}/${metadata.name}`));
  const look = lookOf(session);
  out.write(
    shown(session.format, listOf(raw), () =>
      table(
        operationHead,
        shownOnes.map((o) => operationRow(o, now, look)),
      ),
    ),
  );
  return exitCode.ok;
}

const lookOf = ({ world: { out } }: Session): Look => ({ colours: out.colours, bars: out.isTerminal });

async function watch(session: Session, options: StatusOptions): Promise<number> {
  const { out, clock, signal } = session.world;
  const live = out.live();
  const look = lookOf(session);
  const draw = (list: readonly SnapshotAssignment[]): true | undefined => {
    const now = clock.now();
    const operations = current(list.map(operationOf), now, options.recent);
    const lines = operationLines(operations, now, look);
    live.draw(
      lines.length === 0 ? [out.colours.dim('nothing runs')] : lines,
      operations.map((o) => told(o, now, look)),
    );
    return options.untilIdle === true && !operations.some(isRunning) ? true : undefined;
  };
  const idle = await session.cluster
    .follow(assignments(session.listNamespace), signal, draw)
    .finally(() => live.done());
  return idle === true ? exitCode.ok : exitCode.interrupted;
}

/** For a log: the step without its bytes. */
function told(o: Operation, now: number, look: Look): string {
  if (o.phase !== 'Running' || o.progress === undefined) return operationLine(o, now, look);
  const { step } = o.progress;
  return operationLine({ ...o, progress: { step, summary: step } }, now, look);
}
