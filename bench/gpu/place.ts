/** Where a bench works, and the engine's configuration that goes with it. Read from the environment once, by main. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { memoryNow, processorTime } from './machine';
import type { Log } from '@dynamo-snapshot/controller/log';
import { engineConfig } from '@dynamo-snapshot/node-agent/config';
import type { EngineConfig } from '@dynamo-snapshot/node-agent/config';
import type { EngineIo } from '@dynamo-snapshot/node-agent/engine-io';
import { Steps } from '@dynamo-snapshot/node-agent/engine-io';
import type { UndoStep } from '@dynamo-snapshot/node-agent/journal/step';
import type { Path } from './paths';
import { paths } from './paths';
import { say } from './say';
import type { Start } from './vllm/starts';
import { starts } from './vllm/starts';
import { several, wordsOf } from './words';
import type { Timing } from '@dynamo-snapshot/api/schema';

export interface Place {
  /** What was packed: worker, limits, criu, engine.cjs. */
  readonly home: string;
  /** Results. */
  readonly out: string;
  /** Scratch; ours alone. */
  readonly work: string;
  /** Images of captures, on the file system that is measured. */
  readonly images: string;
  /** cgroup v2 folder, below which every worker gets a group. */
  readonly cgroup: string;
  readonly config: EngineConfig;
  /** What takes turns. */
  readonly paths: readonly Path[];
  readonly vllm: VllmPlace;
}

export interface VllmPlace {
  /** Where unpack.sh has put it. */
  readonly folder: string;
  /** Stands in for vLLM, with its arguments; none = vLLM itself. */
  readonly program: readonly string[];
  readonly rounds: number;
  readonly port: number;
  /** In this order; the last one is captured. */
  readonly starts: readonly Start[];
}

export function placeOf(env: Readonly<Record<string, string | undefined>>): Place {
  const need = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === '') throw new Error(`${name} is not set; run.sh sets it`);
    return value;
  };
  const work = need('BENCH_WORK');
  const place = {
    home: need('BENCH_HOME'),
    out: need('BENCH_OUT'),
    work,
    images: need('BENCH_IMAGES'),
    cgroup: env['BENCH_CGROUP'] ?? '/sys/fs/cgroup/dynamo-bench',
    config: engineConfig(env),
    paths: several('BENCH_PATHS', paths, env['BENCH_PATHS']),
    vllm: vllmOf(env),
  };
  for (const dir of [place.out, place.work, place.images, place.config.work, join(work, 'restore')])
    mkdirSync(dir, { recursive: true });
  return place;
}

const vllmOf = (env: Readonly<Record<string, string | undefined>>): VllmPlace => ({
  folder: env['BENCH_VLLM'] ?? '',
  program: wordsOf(env['BENCH_VLLM_PROGRAM'] ?? ''),
  rounds: Number(env['BENCH_VLLM_ROUNDS'] ?? 3),
  port: Number(env['BENCH_VLLM_PORT'] ?? 18_000),
  starts: several('BENCH_VLLM_STARTS', starts, env['BENCH_VLLM_STARTS']),
});

const quiet: Log = {
  debug: () => {},
  info: () => {},
  warn: (message: string) => console.error(`warn: ${message}`),
  error: (message: string) => console.error(`error: ${message}`),
} as unknown as Log;

export interface BenchIo extends EngineIo {
  timings(): readonly Timing[];
}

export interface BenchIoOptions {
  /** Where steps to be undone go. */
  readonly willUndo?: (step: UndoStep) => void;
  /** Whose processor time is told as each step begins. */
  readonly watched?: number;
  readonly onStep?: (step: string) => void;
}

/** As an operation has it. */
export function benchIo(
  place: Place,
  limitMs: number,
  { willUndo = () => {}, watched, onStep = () => {} }: BenchIoOptions = {},
): BenchIo {
  const { signal } = new AbortController();
  let last = '';
  const steps = new Steps(({ step = '' }) => {
    if (step === last) return;
    last = step;
    onStep(step);
    say('  begins', `${step}: ${memoryNow()}${watched === undefined ? '' : `, ${processorTime(watched)}`}`);
  }, signal);
  return {
    config: place.config,
    log: quiet,
    deadline: Date.now() + limitMs,
    signal,
    willUndo,
    steps,
    timings: () => steps.total(),
  };
}
