/** Results as a table for people and as a plot of where each second went: medians of all rounds, stock above ours. */
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { Path } from './paths';
import { paths } from './paths';
import type { CycleResult, RoundsResult } from './rounds';
import type { CaseResult } from './run';

export interface Bar {
  readonly label: string;
  readonly parts: readonly Timing[];
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

const isRounds = (result: unknown): result is RoundsResult =>
  typeof result === 'object' && result !== null && 'cycles' in result && 'coldSeconds' in result;

const roundsOf = (results: readonly CaseResult[]): readonly RoundsResult[] =>
  results.map((r) => r.result).filter(isRounds);

type Half = 'capture' | 'restore';

/** Median of each step over the rounds; `total` is of the whole. */
function steps(cycles: readonly CycleResult[], half: Half): readonly Timing[] {
  const names = [...new Set(cycles.flatMap((c) => c[half].map((t) => t.step)))];
  return names.map((step) => ({
    step,
    seconds: median(cycles.flatMap((c) => c[half].find((t) => t.step === step)?.seconds ?? [])),
  }));
}

const of = (result: RoundsResult, path: Path): readonly CycleResult[] =>
  result.cycles.filter((c) => c.path === path);
const taken = (result: RoundsResult): readonly Path[] => paths.filter((path) => of(result, path).length > 0);
const total = (timings: readonly Timing[]): number => timings.find((t) => t.step === 'total')?.seconds ?? 0;
/** They lie within another step, or beside it: the source runs again while its memory is stored. */
const WITHIN: readonly string[] = ['total', 'paused', 'copy', 'store', 'prefault', 'fillBehind'];

/** What comes one after the other; what the whole took beyond that is the rest. */
function parts(timings: readonly Timing[]): readonly Timing[] {
  const inOrder = timings.filter((t) => !WITHIN.includes(t.step));
  const rest = total(timings) - inOrder.reduce((sum, t) => sum + t.seconds, 0);
  return rest < NOTABLE_SECONDS ? inOrder : [...inOrder, { step: 'rest', seconds: rest }];
}

const NOTABLE_SECONDS = 0.02;

export function table(results: readonly CaseResult[]): string {
  const head = [
    '| case | GPU GB | path | rounds | cold s | capture s (stood still; without giving back) | restore s | stock : ours (capture, restore) | same memory | steps of the capture | steps of the restore |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
  ];
  const rows = roundsOf(results).flatMap((result) => taken(result).map((path) => row(result, path)));
  const others = results
    .filter((r) => !isRounds(r.result) || r.result.cycles.length === 0)
    .map((r) => `- ${r.name}: ${r.ended}, ${JSON.stringify(r.result ?? null)}`);
  const faults = roundsOf(results).flatMap((r) => r.faults.map((fault) => `- ${r.name}: ${fault}`));
  return [...head, ...rows, '', ...(rows.length > 0 ? [LEGEND, ''] : []), ...others, ...faults, ''].join(
    '\n',
  );
}

const LEGEND = `Medians of all rounds. A capture takes until the source serves again and the artifact is whole. "Without giving back" is that less what the
source's resume takes beyond the storing, which goes on beside it: the artifact has to be stored in any case, so the whole resume cannot be taken off.
The source of ours-job is not given back at all: its ratio is to stock without giving back. Within other steps: prefault in gpuCheckpoint, copy in dump, fillBehind beside gpuRestore.
A server is restored when it has answered: tokens.`;

function row(result: RoundsResult, path: Path): string {
  const cycles = of(result, path);
  const whole = (half: Half) => total(steps(of(result, 'stock'), half)) / total(steps(cycles, half));
  const without = median(of(result, 'stock').map((c) => notGivenBack(c.capture)));
  const captureRatio = path === 'ours' ? whole('capture') : without / total(steps(cycles, 'capture'));
  const [capture, restore] = [steps(cycles, 'capture'), steps(cycles, 'restore')];
  return `| ${[
    result.name,
    (result.gpuBytes / 1e9).toFixed(1),
    path,
    cycles.length,
    cold(result),
    `${total(capture).toFixed(2)} (${paused(capture).toFixed(2)}; ${median(cycles.map((c) => notGivenBack(c.capture))).toFixed(2)})`,
    total(restore).toFixed(2),
    path === 'stock' ? '' : `${captureRatio.toFixed(2)}, ${whole('restore').toFixed(2)}`,
    cycles.every((c) => c.same) ? 'yes' : 'NO',
    told(capture),
    told(restore),
  ].join(' | ')} |`;
}

/** A server's best case is what it is held against; the other is told. */
const cold = ({ coldSeconds, coldEmptySeconds }: RoundsResult): string =>
  coldEmptySeconds === undefined
    ? coldSeconds.toFixed(1)
    : `${coldSeconds.toFixed(1)} (nothing compiled: ${coldEmptySeconds.toFixed(1)})`;

const told = (timings: readonly Timing[]): string =>
  timings
    .filter((t) => t.step !== 'total' && t.step !== 'paused')
    .map((t) => `${t.step} ${t.seconds.toFixed(2)}`)
    .join(', ');

/** The source of a stock capture stands still all the time. */
const paused = (timings: readonly Timing[]): number =>
  timings.find((t) => t.step === 'paused')?.seconds ?? total(timings);

/** What a capture would take that need not give the source back: the storing, which goes on beside that, it would still wait for. */
function notGivenBack(timings: readonly Timing[]): number {
  const seconds = (step: string) => timings.find((t) => t.step === step)?.seconds ?? 0;
  return total(timings) - Math.max(0, seconds('gpuResume') - seconds('store'));
}

export const bars = (results: readonly CaseResult[]): readonly Bar[] =>
  roundsOf(results).flatMap((result) =>
    (['capture', 'restore'] as const).flatMap((half) =>
      taken(result).map((path) => ({
        label: `${result.name} ${half}, ${path}`,
        parts: parts(steps(of(result, path), half)),
      })),
    ),
  );

const WIDTH = 900;
const LABELS = 220;
const ROW = 26;
const COLOURS: Readonly<Record<string, string>> = {
  gpuLock: '#9a6fb0',
  gpuCheckpoint: '#3b6fb6',
  dump: '#d98032',
  store: '#e8c35a',
  criu: '#d98032',
  fill: '#e8c35a',
  verify: '#7fb06f',
  digest: '#7fb06f',
  prepare: '#999999',
  publish: '#c0a080',
  continue: '#999999',
  rest: '#999999',
  gpuRestore: '#3b6fb6',
  gpuUnlock: '#9a6fb0',
  gpuResume: '#4aa08c',
  tokens: '#c05070',
};

export function plot(all: readonly Bar[]): string {
  const longest = Math.max(0.001, ...all.map((bar) => bar.parts.reduce((sum, p) => sum + p.seconds, 0)));
  const scale = (WIDTH - LABELS - 60) / longest;
  const rows = all.map((bar, i) => barOf(bar, i * ROW + 10, scale)).join('\n');
  const names = [...new Set(all.flatMap((bar) => bar.parts.map((p) => p.step)))];
  const legend = names.map((name, i) => box(10 + i * 100, all.length * ROW + 20, 12, name, name)).join('\n');
  const height = all.length * ROW + 50;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n${rows}\n${legend}\n</svg>\n`;
}

function barOf({ label, parts: all }: Bar, y: number, scale: number): string {
  let x = LABELS;
  const boxes = all.map(({ step, seconds }) => {
    const one = `<rect x="${x.toFixed(1)}" y="${y}" width="${(seconds * scale).toFixed(1)}" height="16" fill="${COLOURS[step] ?? '#bbbbbb'}"><title>${step} ${seconds.toFixed(2)} s</title></rect>`;
    x += seconds * scale;
    return one;
  });
  const sum = all.reduce((seconds, p) => seconds + p.seconds, 0).toFixed(2);
  return `<text x="10" y="${y + 13}">${label}</text>${boxes.join('')}<text x="${(x + 5).toFixed(1)}" y="${y + 13}">${sum} s</text>`;
}

const box = (x: number, y: number, size: number, step: string, text: string): string =>
  `<rect x="${x}" y="${y}" width="${size}" height="${size}" fill="${COLOURS[step] ?? '#bbbbbb'}"/><text x="${x + size + 4}" y="${y + 11}">${text}</text>`;
