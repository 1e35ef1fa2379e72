/** The little of Markdown that the reference pages need. */

/** A cell is one line; a pipe in it is no border, and what looks like a tag is none. */
const cell = (text: string): string =>
  text
    .replaceAll('|', '\\|')
    .replace(/\s+/g, ' ')
    .replace(/`[^`]*`|</g, (found) => (found === '<' ? '&lt;' : found))
    .trim();

export const code = (text: string): string => `\`${text}\``;

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n') + '\n';

/** Throws with all of them at once. */
export function complete(missing: readonly string[], what: string): void {
  if (missing.length > 0) throw new Error(`no ${what} for ${missing.join(', ')}`);
}
