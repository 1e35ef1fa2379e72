/** `verify CHECKPOINT|DIR`: reads every byte and compares it with the digests of the manifest. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import { parseManifest } from '@dynamo-snapshot/api/validate';
import { Digests } from '../archive/digests';
import { folderEntries } from '../archive/entries';
import { execArgs, verifyCommand } from '../artifact/args';
import { digestOf, findStored, isPath } from '../artifact/open';
import { exitCode } from '../exit';
import { shown } from '../output/format';
import type { AddCommand, Session } from '../session';

export const addVerify: AddCommand = (program, run) => {
  program
    .command('verify')
    .argument('<checkpoint>', 'name of a checkpoint, or a path (with a slash) to an artifact')
    .description('compare every byte of a checkpoint with its digests')
    .addHelpText(
      'after',
      "\nA checkpoint is read by an agent, where it lies; its manifest has to be the one that the checkpoint's status names.",
    )
    .action(function (this, name: string) {
      return run(this, (session) => verify(session, name));
    });
};

export interface Verdict {
  readonly digest: string;
  readonly files: number;
  readonly faults: readonly string[];
}

async function verify(session: Session, name: string): Promise<number> {
  const verdict = isPath(name) ? await verifyFolder(name) : await verifyStored(session, name);
  const { out } = session.world;
  out.write(shown(session.format, verdict, () => verdictText(name, verdict, out.colours)));
  return verdict.faults.length === 0 ? exitCode.ok : exitCode.found;
}

type Colours = Session['world']['out']['colours'];

const verdictText = (name: string, { digest, files, faults }: Verdict, colours: Colours): string =>
  faults.length === 0
    ? `${name}  ${colours.green('intact')}  ${files} files  ${digest}`
    : [
        `${name}  ${colours.red(faults.length === 1 ? '1 fault' : `${faults.length} faults`)}`,
        ...faults.map((f) => `  ${f}`),
      ].join('\n');

async function verifyStored(session: Session, name: string): Promise<Verdict> {
  const { agent, dir, checkpoint } = await findStored(session, name);
  const { stdout, stdin, ended } = session.kubectl(execArgs(agent, verifyCommand(dir)));
  stdin.end();
  const [printed, { code, stderr }] = await Promise.all([text(stdout), ended]);
  const verdict = parsed(printed);
  if (verdict === undefined) throw new Error(`verify through pod ${agent.name}: ${stderr || `exit ${code}`}`);
  const wanted = checkpoint.status?.artifact?.digest;
  if (wanted === undefined || wanted === verdict.digest) return verdict;
  const fault = `${artifactFile.manifest} has digest ${verdict.digest}, and the checkpoint names ${wanted}`;
  return { ...verdict, faults: [fault, ...verdict.faults] };
}

/** Undefined where the engine ended before it had looked at the files. */
function parsed(printed: string): Verdict | undefined {
  try {
    return JSON.parse(printed) as Verdict;
  } catch {
    return undefined;
  }
}

async function verifyFolder(path: string): Promise<Verdict> {
  const dir = resolve(path);
  const file = join(dir, artifactFile.manifest);
  if (!existsSync(file))
    throw new TerminalError('ArtifactNotFound', `${path} has no ${artifactFile.manifest}`);
  const given = readFileSync(file, 'utf8');
  const manifest = parseManifest(given);
  const digests = await Digests.create();
  digests.expect(manifest);
  for await (const { path: name, content } of folderEntries(dir))
    if (name !== artifactFile.manifest)
      await pipeline(content, digests.watch(name), new PassThrough().resume());
  return { digest: digestOf(given), files: manifest.files.length, faults: digests.faults() };
}
