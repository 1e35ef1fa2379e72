/** The command line: commands, help, and what an error becomes. */
import { ApiException } from '@kubernetes/client-node';
import { Command, CommanderError } from 'commander';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import { words } from '@dynamo-snapshot/controller/api';
import { addCapture } from './commands/capture';
import { addCompletion, COMPLETE, complete } from './commands/completion';
import { addDiff } from './commands/diff';
import { addDoctor } from './commands/doctor';
import { addExport } from './commands/export';
import { addImport } from './commands/import';
import { addInspect } from './commands/inspect';
import { addLs } from './commands/ls';
import { addReport } from './commands/report';
import { addRestore } from './commands/restore';
import { addStatus } from './commands/status';
import { addVerify } from './commands/verify';
import { exitCode, exitCodeHelp } from './exit';
import { formats } from './output/format';
import type { AddCommand, GlobalFlags, RunCommand, World } from './session';
import { Session } from './session';

export const VERSION = '0.1.0';

const commands: readonly AddCommand[] = [
  addCapture,
  addRestore,
  addStatus,
  addLs,
  addInspect,
  addDiff,
  addVerify,
  addExport,
  addImport,
  addReport,
  addDoctor,
  addCompletion,
];

/** The whole tree of commands, for `main` and for completion. */
export function program(run: RunCommand): Command {
  const root = new Command('kubectl snapshot')
    .description('Capture ready inference workers, look at their checkpoints, restore pods from them.')
    .version(VERSION)
    .option('-n, --namespace <namespace>', "default: the context's")
    .option('--context <context>', 'of the kubeconfig')
    .option('--kubeconfig <file>', 'default: KUBECONFIG, or ~/.kube/config')
    .option('-o, --output <format>', formats.join(', '), 'table')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showHelpAfterError('(--help tells more)')
    .addHelpText('after', `\n${exitCodeHelp}`);
  for (const add of commands) add(root, run);
  for (const command of root.commands) command.copyInheritedSettings(root);
  return root;
}

export async function main(argv: readonly string[], world: World): Promise<number> {
  let code: number = exitCode.ok;
  const run: RunCommand = async (command, work) => {
    code = await work(new Session(world, command.optsWithGlobals<GlobalFlags>()));
  };
  const root = program(run);
  for (const command of [root, ...root.commands])
    command
      .exitOverride()
      .configureOutput({ writeOut: (t) => world.out.write(t), writeErr: (t) => world.err.write(t) });
  try {
    if (argv[0] === COMPLETE) return await complete(new Session(world, flagsIn(argv)), root, argv.slice(1));
    await root.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    const { red } = world.err.colours;
    world.err.write(`${red('error:')} ${error instanceof ApiException ? words(error) : explain(error)}\n`);
    return error instanceof TerminalError && error.reason === 'Usage' ? exitCode.usage : exitCode.failed;
  }
}

/** Of a line that is still being typed: those that say which cluster and namespace is meant. */
function flagsIn(words: readonly string[]): GlobalFlags {
  const after = (...names: readonly string[]) => words[words.findIndex((w) => names.includes(w)) + 1];
  const flag = (key: 'namespace' | 'context' | 'kubeconfig', ...names: readonly string[]) =>
    words.some((w) => names.includes(w)) ? { [key]: after(...names) } : {};
  return {
    output: 'table',
    ...flag('namespace', '-n', '--namespace'),
    ...flag('context', '--context'),
    ...flag('kubeconfig', '--kubeconfig'),
  };
}
