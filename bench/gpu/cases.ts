/** What can be run, for how long at most, and in which order. */
import type { Place } from './place';
import { smoke } from './smoke';

export interface Case {
  readonly name: string;
  readonly limitSeconds: number;
  run(place: Place): Promise<unknown>;
}

const cases: readonly Case[] = [{ name: 'smoke', limitSeconds: 170, run: smoke }];

export function caseNamed(name: string): Case {
  const found = cases.find((c) => c.name === name);
  if (found === undefined)
    throw new Error(
      `no case is named ${JSON.stringify(name)}; there are ${cases.map((c) => c.name).join(', ')}`,
    );
  return found;
}

export const casesOf = (names: readonly string[]): readonly Case[] =>
  names.length === 0 ? cases : names.map(caseNamed);
