/** `import FILE.tar`: the checkpoint of an archive in this cluster, or its files in a folder. */
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import { archiveEntries } from '../archive/read';
import { receive } from '../archive/receive';
import { exitCode } from '../exit';
import type { AddCommand, Session } from '../session';
import { importToStore } from './import-store';

export interface ImportOptions {
  readonly name?: string;
  readonly model?: string;
  readonly backend: string;
  readonly dir?: string;
}

export const addImport: AddCommand = (program, run) => {
  program
    .command('import')
    .argument('<file>', 'tar that export has written')
    .description('make the checkpoint of an archive in this cluster, Ready to be restored from')
    .option('--name <name>', 'of the checkpoint; default: the name that it had')
    .option('--model <model>', 'spec.identity.model; default: the name of the checkpoint')
    .option('--backend <backend>', 'spec.identity.backendFramework', 'generic')
    .option('--dir <dir>', 'write the files of the artifact to this folder instead, which must not exist')
    .addHelpText(
      'after',
      '\nNothing is Ready that is not whole: every file is compared with its digest, and the store has verified it again.',
    )
    .action(function (this, file: string, options: ImportOptions) {
      return run(this, (session) =>
        options.dir === undefined
          ? importToStore(session, file, options)
          : importToFolder(session, file, options.dir),
      );
    });
};

async function importToFolder(session: Session, file: string, path: string): Promise<number> {
  const dir = resolve(path);
  if (existsSync(dir)) throw new TerminalError('ArtifactExists', `${path} exists already`);
  const part = `${dir}.part`;
  await rm(part, { recursive: true, force: true });
  try {
    const { manifest, text } = await receive(archiveEntries(file), () =>
      Promise.resolve(async (name, _, content) => {
        const target = join(part, name);
        await mkdir(dirname(target), { recursive: true, mode: 0o700 });
        await pipeline(content, createWriteStream(target, { mode: 0o600 }));
      }),
    );
    await writeFile(join(part, artifactFile.manifest), text, { mode: 0o600 });
    await rename(part, dir);
    session.world.out.write(
      `${path}: ${humanBytes(manifest.sizeBytes)}, ${manifest.files.length} files of ${file}\n`,
    );
    return exitCode.ok;
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}
