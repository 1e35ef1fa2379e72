/** `report [FILE]`: an HTML page of what captures and restores took. */
import { writeFileSync } from 'node:fs';
import { exitCode } from '../exit';
import { shown } from '../output/format';
import { reportOf } from '../report/model';
import { pageOf } from '../report/page';
import type { AddCommand, Session } from '../session';

export const addReport: AddCommand = (program, run) => {
  program
    .command('report')
    .argument('[file]', 'HTML file to write; - writes it to stdout', 'snapshot-report.html')
    .description('write an HTML page with the time line of captures and restores, and where each second went')
    .option('-A, --all-namespaces', 'of all namespaces')
    .addHelpText(
      'after',
      '\nThe page needs nothing else, and no network. -o json and -o yaml print what it is made of instead.\nAn operation is known as long as its SnapshotAssignment is: that of a restore goes with its pod.',
    )
    .action(function (this, file: string) {
      return run(this, (session) => report(session, file));
    });
};

async function report(session: Session, file: string): Promise<number> {
  const { cluster, listNamespace, world, format } = session;
  const [checkpoints, assignments, pods] = await Promise.all([
    cluster.listCheckpoints(listNamespace),
    cluster.listAssignments(listNamespace),
    cluster.listPods(listNamespace),
  ]);
  const title = listNamespace === undefined ? 'all namespaces' : `namespace ${listNamespace}`;
  const made = reportOf({ title, checkpoints, assignments, pods }, world.clock.now());
  if (format === 'json' || format === 'yaml') world.out.write(shown(format, made, () => ''));
  else if (file === '-') world.out.write(pageOf(made));
  else {
    writeFileSync(file, pageOf(made));
    world.out.write(
      `${file}: ${made.checkpoints.length} checkpoints, ${made.bars.length} captures and restores, ${made.starts.length} starts\n`,
    );
  }
  return exitCode.ok;
}
