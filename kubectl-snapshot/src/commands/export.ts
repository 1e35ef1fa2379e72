/** `export CHECKPOINT|DIR FILE.tar`: one archive of a checkpoint. */
import { resolve } from 'node:path';
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import type { Entry } from '../archive/entries';
import { folderEntries, tarEntries } from '../archive/entries';
import { packForCriu } from '../archive/criu/pack';
import { packAsIs, writeArchive } from '../archive/write';
import type { Packing } from '../archive/write';
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
    .description('write one tar of a checkpoint, which import and checkpointctl read')
    .option('--criu', "put the memory into CRIU's own page files, so that `criu restore` needs nothing else")
    .addHelpText(
      'after',
      `
Every file is compared with its digest while it is written; of a damaged checkpoint no file is left.
In it: config.dump, spec.dump, deleted.files, rootfs-diff.tar, checkpoint/ (CRIU images), and dynamo-snapshot/ for import.
Without --criu the memory stays in shards, as it was captured: an import of it restores faster.`,
    )
    .action(function (this, name: string, file: string, { criu = false }: { readonly criu?: boolean }) {
      return run(this, (session) => exportTo(session, name, file, criu ? packForCriu : packAsIs));
    });
};

async function exportTo(session: Session, name: string, file: string, packing: Packing): Promise<number> {
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
    const manifest = await writeArchive(entries, file, packing, onBytes);
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
  let wanted = false;
  try {
    yield* tarEntries(stdout);
    wanted = true;
  } catch (error) {
    wanted = true;
    throw error;
  } finally {
    // Whoever needs no more of it says why himself; kubectl would write on for ever.
    if (!wanted) stdout.destroy();
    const { code, stderr } = await ended;
    if (wanted && code !== 0)
      throw new Error(`read the artifact through pod ${agent.name}: ${stderr || `exit ${code}`}`);
  }
}
