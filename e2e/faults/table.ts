/** The end of a run, as a person reads it: one line for each step and fault. */
import type { Outcome } from './trial';

export function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((outcome) => {
    const { case: c, end } = outcome;
    return [`${c.operation} ${c.step}`, c.fault, end, verdictOf(outcome)];
  });
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

export function verdictOf({ broken, struck, missed }: Pick<Outcome, 'broken' | 'struck' | 'missed'>): string {
  if (broken.length > 0) return `BROKEN: ${broken.join('; ')}`;
  if (!struck) return `NOT CARRIED OUT: missed ${missed} times`;
  return missed === 0 ? 'ok' : `ok (begun anew, ${missed})`;
}
