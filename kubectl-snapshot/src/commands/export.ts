/** `export CHECKPOINT|DIR FILE.tar`: one archive of a checkpoint. */
import { resolve } from 'node:path';
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import type { Entry } from '../archive/entries';
import { folderEntries, tarEntries } from '../archive/entries';
import { writeArchive } from '../archive/write';
import { execArgs, wholeTar } from '../artifact/args';
import { findStored, isPath } from '../artifact/open';
import { exitCode } from '../exit';
import { progressText } from '../operations/operation';
import type { AddCommand, Session } from '../session';
import { progressOf } from '@dynamo-snapshot/api/progress';

export const addExport: AddCommand = (program, run) => {
  program
    .command('export')
    .argument('<checkpoint>', 'name of a checkpoint, or a path (with a slash) to an artifact')
    .argument('<file>', 'tar to write')
    .description('write one tar of a checkpoint, which import, checkpointctl and CRIU read')
    .addHelpText(
      'after',
      `
Every file is compared with its digest while it is written; of a damaged checkpoint no file is left.
In it: config.dump, spec.dump, deleted.files, rootfs-diff.tar, checkpoint/ (CRIU images), and dynamo-snapshot/ for import.`,
    )
    .action(function (this, name: string, file: string) {
      return run(this, (session) => exportTo(session, name, file));
    });
};

async function exportTo(session: Session, name: string, file: string): Promise<number> {
  const { out, clock } = session.world;
  const live = session.world.err.live();
  const started = clock.now();
  const look = { colours: out.colours, bars: true };
  const onBytes = throttled(clock, (bytesDone: number, bytesTotal: number) => {
    const elapsed = (clock.now() - started) / 1000;
    live.draw([progressText(progressOf({ step: 'export', bytesDone, bytesTotal, elapsed }), look)], []);
  });
  const entries = isPath(name) ? folderEntries(resolve(name)) : storedEntries(session, name);
  try {
    const manifest = await writeArchive(entries, file, onBytes);
    out.write(`${file}: ${humanBytes(manifest.sizeBytes)}, ${manifest.files.length} files of ${name}\n`);
    return exitCode.ok;
  } finally {
    live.done();
  }
}

const DRAW_EVERY_MS = 100;

function throttled<A extends readonly unknown[]>(
  clock: { now(): number },
  work: (...args: A) => void,
): (...args: A) => void {
  let last = -Infinity;
  return (...args) => {
    if (clock.now() - last < DRAW_EVERY_MS) return;
    last = clock.now();
    work(...args);
  };
}

/** A stream that breaks off is told with kubectl's own words. */
async function* storedEntries(session: Session, name: string): AsyncGenerator<Entry> {
  const { agent, dir } = await findStored(session, name);
  const { stdout, stdin, ended } = session.kubectl(execArgs(agent, wholeTar(dir)));
  stdin.end();
  try {
    yield* tarEntries(stdout);
  } finally {
    const { code, stderr } = await ended;
    if (code !== 0)
      throw new Error(`read the artifact through pod ${agent.name}: ${stderr || `exit ${code}`}`);
  }
}
