/** `diff A B`: in what two checkpoints differ. */
import type { Difference } from '../artifact/difference';
import { differences } from '../artifact/difference';
import { openArtifact } from '../artifact/open';
import { exitCode } from '../exit';
import { shown } from '../output/format';
import { table } from '../output/table';
import type { AddCommand, Session } from '../session';

export const addDiff: AddCommand = (program, run) => {
  program
    .command('diff')
    .argument('<checkpoint>', 'name of a checkpoint, or a path (with a slash)')
    .argument('<other>', 'the one to compare it with')
    .description(
      'tell in what two checkpoints differ: machine, container, processes, sockets, memory, mounts, files',
    )
    .addHelpText('after', '\nFiles of the artifacts are compared by their digests; -o wide lists them too.')
    .action(function (this, a: string, b: string) {
      return run(this, (session) => diff(session, a, b));
    });
};

async function diff(session: Session, a: string, b: string): Promise<number> {
  const [left, right] = await Promise.all([openArtifact(session, a), openArtifact(session, b)]);
  const found = differences(left, right);
  session.world.out.write(
    shown(session.format, { differences: found }, (wide) => differenceTable(found, a, b, wide)),
  );
  return found.length === 0 ? exitCode.ok : exitCode.found;
}

function differenceTable(found: readonly Difference[], a: string, b: string, wide: boolean): string {
  if (found.length === 0) return `${a} and ${b} are the same`;
  const files = found.filter((d) => d.part === 'files').length;
  const rows = found
    .filter((d) => wide || d.part !== 'files')
    .map((d) => [d.part, d.what, d.a || '-', d.b || '-']);
  const rest = wide || files === 0 ? '' : `\n${files} files of the artifacts differ (-o wide lists them)`;
  return `${table(['PART', 'WHAT', a, b], rows)}${rest}`;
}
