/** What can be run, for how long at most, and in which order. */
import { execFileSync, spawnSync } from 'node:child_process';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { killCase } from './kill';
import type { Place } from './place';
import { alternate } from './rounds';
import { say } from './say';
import { managed, smoke } from './smoke';
import { tooLittle } from './too-little';
import { twenty } from './twenty';
import { vllmCase } from './vllm/case';
import type { Model } from './vllm/model';
import { models } from './vllm/model';

export interface Case {
  readonly name: string;
  readonly limitSeconds: number;
  run(place: Place): Promise<unknown>;
}

const alloc = (gigabytes: number, rounds: number, limitSeconds: number): Case => ({
  name: `alloc-${gigabytes}`,
  limitSeconds,
  run: (place) =>
    alternate(place, {
      name: `alloc-${gigabytes}`,
      argv: [join(place.home, 'worker'), String(gigabytes)],
      rounds,
      budgetSeconds: limitSeconds * 0.95,
    }),
});

const llm = (shape: string, limitSeconds: number): Case => ({
  name: `torch-${shape}`,
  limitSeconds,
  run: (place) => {
    const { status } = spawnSync('python3', ['-c', 'import torch, transformers'], { timeout: 120_000 });
    if (status !== 0) {
      say(`torch-${shape}`, 'skipped: python3 here has no torch and transformers');
      return Promise.resolve({ skipped: 'no torch' });
    }
    const argv = ['python3', join(place.home, 'llm.py'), shape];
    return alternate(place, { name: `torch-${shape}`, argv, rounds: 3, budgetSeconds: limitSeconds * 0.95 });
  },
});

const vllm = (model: Model, limitSeconds: number): Case => ({
  name: `vllm-${model.shape}`,
  limitSeconds,
  run: (place) => vllmCase(place, model, limitSeconds * 0.95),
});

/** Touched once, so that no figure has the machine's own growth in it. */
function limits(place: Place): Promise<unknown> {
  const program = join(place.home, 'limits');
  const gigabytes = Math.floor((freemem() / 2 ** 30) * 0.8);
  const run = (...args: string[]) =>
    execFileSync(program, args, { encoding: 'utf8', timeout: 150_000 }).trim();
  const touched = run('touch', String(gigabytes));
  const measured = run(String(availableParallelism()), place.work);
  say('limits', `${gigabytes} GiB ${touched} ${measured}`);
  return Promise.resolve({ ...(JSON.parse(touched) as object), ...(JSON.parse(measured) as object) });
}

const cases: readonly Case[] = [
  { name: 'smoke', limitSeconds: 170, run: smoke },
  { name: 'managed', limitSeconds: 60, run: managed },
  { name: 'limits', limitSeconds: 170, run: limits },
  alloc(1, 3, 60),
  alloc(8, 3, 120),
  alloc(24, 3, 320),
  alloc(48, 2, 330),
  llm('0.6b', 150),
  llm('8b', 300),
  { name: 'twenty', limitSeconds: 120, run: twenty },
  { name: 'kill', limitSeconds: 200, run: killCase },
  { name: 'too-little', limitSeconds: 60, run: tooLittle },
];

/** Run where they are asked for by name: their pack travels by itself, and they take minutes. */
const asked: readonly Case[] = [vllm(models['8b'], 540), vllm(models['0.6b'], 400), vllm(models.tiny, 200)];

export function caseNamed(name: string): Case {
  const found = [...cases, ...asked].find((c) => c.name === name);
  if (found === undefined)
    throw new Error(
      `no case is named ${JSON.stringify(name)}; there are ${[...cases, ...asked].map((c) => c.name).join(', ')}`,
    );
  return found;
}

export const casesOf = (names: readonly string[]): readonly Case[] =>
  names.length === 0 ? cases : names.map(caseNamed);
