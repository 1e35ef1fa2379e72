/** `-o table|wide|json|yaml`, the same on every command that lists or shows something. */
import { stringify } from 'yaml';
import { TerminalError } from '@dynamo-snapshot/api/errors';

export const formats = ['table', 'wide', 'json', 'yaml'] as const;
export type Format = (typeof formats)[number];

export function formatOf(text: string): Format {
  const format = formats.find((f) => f === text);
  if (format === undefined)
    throw new TerminalError('Usage', `-o ${text} is not known; it is one of ${formats.join(', ')}`);
  return format;
}

/** The data itself for programs, `words` for people. */
export function shown(format: Format, data: unknown, words: (wide: boolean) => string): string {
  if (format === 'json') return `${JSON.stringify(data, undefined, 2)}\n`;
  if (format === 'yaml') return stringify(data, { lineWidth: 120, aliasDuplicateObjects: false });
  return `${words(format === 'wide')}\n`;
}

/** As kubectl prints several objects. */
export const listOf = (items: readonly object[]): object => ({ apiVersion: 'v1', kind: 'List', items });

const steps = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'm'],
] as const;

/** As kubectl tells an age: "42s", "5m", "3h", "12d". */
export function age(since: string | Date | undefined, now: number): string {
  if (since === undefined) return '';
  const seconds = Math.max(0, Math.floor((now - new Date(since).getTime()) / 1000));
  for (const [length, unit] of steps)
    if (seconds >= 2 * length) return `${Math.floor(seconds / length)}${unit}`;
  return `${seconds}s`;
}
