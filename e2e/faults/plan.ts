/** Which fault strikes at which step; pure: the same seed gives the same plan. */
import { randomOf, shuffled } from './random';

export type Operation = 'Capture' | 'Restore';

/**
 * As operations name them in their status. `head start` is the part of a dump in which the engine copies while CRIU walks through the tree,
 * `frozen` the part in which CRIU waits for the engine.
 */
export const steps = {
  Capture: ['observe', 'prepare', 'dump', 'head start', 'frozen', 'store', 'digest', 'publish', 'read back'],
  Restore: ['observe', 'gpus', 'verify', 'restore', 'fill', 'prove', 'adopt'],
} as const satisfies Readonly<Record<Operation, readonly string[]>>;

/** Inner steps of a step have no name in the status. */
export const statusStep = (step: string): string => (INNER.includes(step) ? 'dump' : step);
const INNER = ['head start', 'frozen'];

/** In their order, as the status names them. */
export const statusSteps = (operation: Operation): readonly string[] =>
  steps[operation].filter((step: string) => statusStep(step) === step);

export interface FaultRule {
  /** Operations and steps at which it makes sense; absent = all. */
  readonly at?: Partial<Readonly<Record<Operation, readonly string[] | 'all'>>>;
}

export interface Case {
  readonly operation: Operation;
  readonly step: string;
  readonly fault: string;
}

export function possible(rules: Readonly<Record<string, FaultRule>>): readonly Case[] {
  const operations = Object.keys(steps) as Operation[];
  return operations.flatMap((operation) =>
    steps[operation].flatMap((step) =>
      Object.entries(rules)
        .filter(([, { at }]) => at === undefined || at[operation] === 'all' || at[operation]?.includes(step))
        .map(([fault]) => ({ operation, step, fault })),
    ),
  );
}

/** A case comes again only when all have come. */
const AGAIN = 1_000_000;
const FAULT = 1000;

/**
 * Every fault and every step comes before others come twice: the case whose fault, and then whose step, was seen least is next.
 * A longer plan of the same seed begins as a shorter one does: a run that is cut off has done the cases of one.
 */
export function planOf(
  rules: Readonly<Record<string, FaultRule>>,
  count: number,
  seed: number,
): readonly Case[] {
  const random = randomOf(seed);
  const all = possible(rules);
  const seen = new Map<string, number>();
  const times = (key: string) => seen.get(key) ?? 0;
  // Faults count first: some have one step only, and every step has many faults.
  const rank = (c: Case) => FAULT * times(c.fault) + times(stepOf(c)) + AGAIN * times(stepOf(c) + c.fault);
  const chosen: Case[] = [];
  while (chosen.length < count) {
    const next = shuffled(all, random).reduce((best, c) => (rank(c) < rank(best) ? c : best));
    for (const key of [stepOf(next), next.fault, stepOf(next) + next.fault]) seen.set(key, times(key) + 1);
    chosen.push(next);
  }
  return chosen;
}

export const stepOf = ({ operation, step }: Case): string => `${operation} ${step}`;
