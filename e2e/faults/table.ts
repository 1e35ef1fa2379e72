/** The end of a run, as a person reads it: one line for each step and fault. */
import type { Outcome } from './trial';

export function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ case: c, end, broken }) => [
    `${c.operation} ${c.step}`,
    c.fault,
    end,
    broken.length === 0 ? 'ok' : broken.join('; '),
  ]);
  const head = ['STEP', 'FAULT', 'OPERATION', 'AFTERWARDS'];
  const widths = head.map((h, i) =>
    Math.max(h.length, ...rows.map((row) => (i < 3 ? (row[i]?.length ?? 0) : 0))),
  );
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
