/** How a run has ended, in figures; pure. */
import type { Outcome } from './trial';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Cases in which the fault never struck: they have shown nothing, and count as neither. */
  readonly notStruck: number;
  /** Cases that the harness had to begin anew, because it had missed its moment. */
  readonly begunAnew: number;
}

export function countsOf(outcomes: readonly Pick<Outcome, 'broken' | 'missed' | 'struck'>[]): Counts {
  const failed = outcomes.filter(({ broken }) => broken.length > 0).length;
  const notStruck = outcomes.filter(({ broken, struck }) => broken.length === 0 && !struck).length;
  const begunAnew = outcomes.filter(({ missed }) => missed > 0).length;
  return { passed: outcomes.length - failed - notStruck, failed, notStruck, begunAnew };
}

export const summary = ({ notStruck, begunAnew }: Counts): string =>
  `${begunAnew} cases were begun anew because the harness had missed its moment; ${notStruck} were not carried out`;

/** Every case was struck, and nothing broke. */
export const isClean = ({ passed, failed, notStruck }: Counts): boolean =>
  passed > 0 && failed === 0 && notStruck === 0;
