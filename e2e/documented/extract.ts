/** The commands that a page shows, as they are written: in a block of its own, or within a line; pure. */

const PROGRAMS = 'eval|kubectl|helm|npm|npx|node|criu|openssl|source|tar';
const IN_A_BLOCK = new RegExp(`^ {4,}(?:\\$ )?((?:${PROGRAMS}) .*)$`);
const IN_A_LINE = new RegExp(`\`((?:${PROGRAMS}) [^\`]+)\``, 'g');
const FENCE = /^ *```/;

/** What follows two blanks is a remark. */
const withoutRemark = (line: string): string => line.split(/ {2,}/)[0]?.trim() ?? '';

/** Without repetitions. What stands in a fence is output, a diagram or an object. */
export function commandsOf(page: string): readonly string[] {
  const found = new Set<string>();
  let fenced = false;
  for (const line of page.replaceAll(/ *\\\n */g, ' ').split('\n')) {
    if (FENCE.test(line)) fenced = !fenced;
    if (fenced) continue;
    const block = IN_A_BLOCK.exec(line)?.[1];
    if (block !== undefined) found.add(withoutRemark(block));
    for (const [, command = ''] of line.matchAll(IN_A_LINE)) found.add(command.trim());
  }
  return [...found];
}
