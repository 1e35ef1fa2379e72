/** `ls`: the checkpoints. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { humanSeconds } from '@dynamo-snapshot/api/quantity';
import type { Colors } from 'picocolors/types';
import { exitCode } from '../exit';
import { age, listOf, shown } from '../output/format';
import { table } from '../output/table';
import type { AddCommand, Session } from '../session';

export const addLs: AddCommand = (program, run) => {
  program
    .command('ls')
    .alias('list')
    .description('list checkpoints with size, phase, age and restores')
    .option('-A, --all-namespaces', 'of all namespaces')
    .addHelpText('after', '\nRESTORES counts restores that succeeded, failed ones after a slash: 12/1.')
    .action(function (this) {
      return run(this, ls);
    });
};

async function ls(session: Session): Promise<number> {
  const { out, err, clock } = session.world;
  const found = [...(await session.cluster.listCheckpoints(session.listNamespace))].sort(byName);
  if (found.length === 0 && session.format === 'table') {
    const where =
      session.listNamespace === undefined ? 'any namespace' : `namespace ${session.listNamespace}`;
    err.write(`no checkpoints in ${where}\n`);
    return exitCode.ok;
  }
  const all = session.flags.allNamespaces === true;
  out.write(
    shown(session.format, listOf(found), (wide) =>
      checkpointTable(found, clock.now(), { all, wide }, out.colours),
    ),
  );
  return exitCode.ok;
}

const byName = (a: DynamoCheckpoint, b: DynamoCheckpoint): number =>
  `${a.metadata.namespace}/${a.metadata.name}` < `${b.metadata.namespace}/${b.metadata.name}` ? -1 : 1;

export interface Columns {
  readonly all: boolean;
  readonly wide: boolean;
}

export function checkpointTable(
  checkpoints: readonly DynamoCheckpoint[],
  now: number,
  { all, wide }: Columns,
  colours: Colors,
): string {
  const head = [
    ...(all ? ['NAMESPACE'] : []),
    ...['NAME', 'MODEL', 'BACKEND', 'PHASE', 'SIZE', 'PAUSED', 'RESTORES', 'AGE'],
    ...(wide ? ['HASH', 'NODE', 'POD', 'CRIU', 'IMAGE'] : []),
  ];
  const rows = checkpoints.map((c) => [
    ...(all ? [c.metadata.namespace] : []),
    c.metadata.name,
    c.spec.identity.model,
    c.spec.identity.backendFramework,
    phaseCell(c, colours),
    c.status?.artifact?.size ?? '',
    pausedCell(c),
    restoresCell(c),
    age(c.metadata.creationTimestamp, now),
    ...(wide ? wideCells(c) : []),
  ]);
  return table(head, rows);
}

function phaseCell({ status }: DynamoCheckpoint, colours: Colors): string {
  const phase = status?.phase ?? 'Pending';
  if (phase === 'Ready') return colours.green(phase);
  if (phase === 'Failed') return colours.red(phase);
  const summary = phase === 'Creating' ? status?.progress?.summary : undefined;
  return colours.yellow(summary === undefined ? phase : `${phase} (${summary})`);
}

/** How long the source stood still. */
function pausedCell({ status }: DynamoCheckpoint): string {
  const paused = status?.timings?.find((t) => t.step === 'paused');
  return paused === undefined ? '' : humanSeconds(paused.seconds);
}

function restoresCell({ status }: DynamoCheckpoint): string {
  const { succeeded = 0, failed = 0 } = status?.restores ?? {};
  return failed > 0 ? `${succeeded}/${failed}` : String(succeeded);
}

const wideCells = ({ status }: DynamoCheckpoint): readonly string[] => [
  status?.identityHash ?? '',
  status?.source?.nodeName ?? '',
  status?.podName ?? '',
  status?.source?.criuVersion ?? '',
  status?.source?.image ?? '',
];
