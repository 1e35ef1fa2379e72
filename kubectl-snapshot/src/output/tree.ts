/** Trees as `ps f` and `tree` print them; pure. */

export interface Branch {
  readonly text: string;
  readonly branches: readonly Branch[];
}

export const treeLines = (roots: readonly Branch[]): readonly string[] =>
  roots.flatMap(({ text, branches }) => [text, ...below(branches)]);

const below = (branches: readonly Branch[]): readonly string[] =>
  branches.flatMap(({ text, branches: inner }, i) => {
    const last = i === branches.length - 1;
    return [`${last ? '└─' : '├─'} ${text}`, ...below(inner).map((line) => `${last ? '   ' : '│  '}${line}`)];
  });
