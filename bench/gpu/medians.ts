/** What of the results the table, the plot and the fractions are made: medians of all rounds; pure. */
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { Path } from './paths';
import { paths } from './paths';
import type { CycleResult, RoundsResult } from './rounds';
import type { CaseResult } from './run';

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

export const isRounds = (result: unknown): result is RoundsResult =>
  typeof result === 'object' && result !== null && 'cycles' in result && 'coldSeconds' in result;

export const roundsOf = (results: readonly CaseResult[]): readonly RoundsResult[] =>
  results.map((r) => r.result).filter(isRounds);

export type Half = 'capture' | 'restore';

/** Median of each step over the rounds; `total` is of the whole. */
export function steps(cycles: readonly CycleResult[], half: Half): readonly Timing[] {
  const names = [...new Set(cycles.flatMap((c) => c[half].map((t) => t.step)))];
  return names.map((step) => ({
    step,
    seconds: median(cycles.flatMap((c) => c[half].find((t) => t.step === step)?.seconds ?? [])),
  }));
}

export const of = (result: RoundsResult, path: Path): readonly CycleResult[] =>
  result.cycles.filter((c) => c.path === path);
export const taken = (result: RoundsResult): readonly Path[] =>
  paths.filter((path) => of(result, path).length > 0);
export const total = (timings: readonly Timing[]): number =>
  timings.find((t) => t.step === 'total')?.seconds ?? 0;
