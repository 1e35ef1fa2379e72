/** `completion bash|zsh|fish|kubectl`: scripts that ask the program itself (`__complete`) what could come next. */
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Command, Option } from 'commander';
import { exitCode } from '../exit';
import type { AddCommand, Session } from '../session';
import { formats } from '../output/format';

const PROGRAM = 'kubectl-snapshot';

/** `__complete` speaks kubectl's protocol for plugins: a candidate a line, a tab and its description, and a line ":<directive>" last. */
const scripts: Readonly<Record<string, string>> = {
  bash: `_kubectl_snapshot() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    [[ $line == :* ]] || COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(${PROGRAM} __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _kubectl_snapshot ${PROGRAM}
`,
  zsh: `#compdef ${PROGRAM}
_kubectl_snapshot() {
  local -a candidates
  local line
  while IFS= read -r line; do
    [[ $line == :* ]] || candidates+=("\${\${line//:/\\\\:}/$'\\t'/:}")
  done < <(${PROGRAM} __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe 'kubectl snapshot' candidates || _files
}
compdef _kubectl_snapshot ${PROGRAM}
`,
  fish: `function __kubectl_snapshot
  set -l words (commandline -opc) (commandline -ct)
  ${PROGRAM} __complete $words[2..-1] 2>/dev/null | string match -v -r '^:'
end
complete -c ${PROGRAM} -f -a '(__kubectl_snapshot)'
`,
  kubectl: `#!/bin/sh
exec ${PROGRAM} __complete "$@"
`,
};

export const addCompletion: AddCommand = (program, run) => {
  program
    .command('completion')
    .argument('<shell>', Object.keys(scripts).join(', '))
    .description('print a completion script for a shell')
    .addHelpText(
      'after',
      `
  source <(kubectl snapshot completion bash)
  kubectl snapshot completion zsh > "\${fpath[1]}/_${PROGRAM}"
  kubectl snapshot completion fish > ~/.config/fish/completions/${PROGRAM}.fish

These complete "${PROGRAM} ...". For "kubectl snapshot ...", put an executable on the PATH that kubectl asks:
  kubectl snapshot completion kubectl > ~/.local/bin/kubectl_complete-snapshot && chmod +x ~/.local/bin/kubectl_complete-snapshot`,
    )
    .action(function (this, shell: string) {
      return run(this, ({ world }) => {
        const script = scripts[shell];
        if (script === undefined)
          throw new TerminalError(
            'Usage',
            `${shell} is not known; it is one of ${Object.keys(scripts).join(', ')}`,
          );
        world.out.write(script);
        return Promise.resolve(exitCode.ok);
      });
    });
};

/** cobra's ShellCompDirectiveNoFileComp and …Default */
const NO_FILES = ':4';
const FILES = ':0';

/** What the shells ask for. It is no command of the tree: the words are data, and may look like options. */
export const COMPLETE = '__complete';

export async function complete(session: Session, root: Command, words: readonly string[]): Promise<number> {
  const found = await candidates(root, words, {
    checkpoint: async () =>
      (await session.cluster.listCheckpoints(session.namespace)).map((c) => c.metadata.name),
    pod: async () => (await session.cluster.listPods(session.namespace)).map((p) => p.metadata?.name ?? ''),
  });
  session.world.out.write([...found, found.length > 0 ? NO_FILES : FILES, ''].join('\n'));
  return exitCode.ok;
}

/** Names in the cluster, by the name of the argument that they complete. */
export type Names = Readonly<Record<'checkpoint' | 'pod', () => Promise<readonly string[]>>>;

/** What the last of the words may become. */
export async function candidates(
  root: Command,
  words: readonly string[],
  names: Names,
): Promise<readonly string[]> {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const all = await possible(root, before, typed, names);
  return all.filter((candidate) => candidate.startsWith(typed));
}

async function possible(
  root: Command,
  before: readonly string[],
  typed: string,
  names: Names,
): Promise<readonly string[]> {
  const command = root.commands.find((c) => before.some((w) => w === c.name() || c.aliases().includes(w)));
  const options = [...(command?.options ?? []), ...root.options];
  const last = before.at(-1);
  const open = last === undefined ? undefined : options.find((o) => takesValue(o) && isCalled(o, last));
  if (open !== undefined) return open.long === '--output' ? formats : [];
  if (typed.startsWith('-'))
    return options.flatMap((o) => (o.long === undefined || o.hidden ? [] : [`${o.long}\t${o.description}`]));
  if (command === undefined) {
    return root.commands.map((c) => `${c.name()}\t${c.summary() || c.description()}`);
  }
  const after = before.slice(
    before.findIndex((w) => w === command.name() || command.aliases().includes(w)) + 1,
  );
  return argumentNames(command, after, options, names);
}

const isCalled = (option: Option, word: string): boolean => word === option.short || word === option.long;
const takesValue = (option: Option): boolean => option.required || option.optional;

/** Words after the command that are neither options nor their values are its arguments so far. */
async function argumentNames(
  command: Command,
  after: readonly string[],
  options: readonly Option[],
  names: Names,
): Promise<readonly string[]> {
  const isValue = (i: number) => options.some((o) => takesValue(o) && isCalled(o, after[i - 1] ?? ''));
  const given = after.filter((word, i) => !word.startsWith('-') && !isValue(i));
  const name = command.registeredArguments[given.length]?.name();
  if (name === 'shell') return Object.keys(scripts);
  if (name !== 'checkpoint' && name !== 'pod') return [];
  return names[name]().catch(() => []);
}
