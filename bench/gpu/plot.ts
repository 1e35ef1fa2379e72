/** A plot of where each second went, stock above ours. */
import type { Timing } from '@dynamo-snapshot/api/schema';
import { of, roundsOf, steps, taken, total } from './medians';
import type { CaseResult } from './run';

export interface Bar {
  readonly label: string;
  readonly parts: readonly Timing[];
}

/** They lie within another step, or beside it: the source runs again while its memory is stored. */
const WITHIN: readonly string[] = ['total', 'paused', 'copy', 'store', 'prefault', 'fillBehind'];

/** What comes one after the other; what the whole took beyond that is the rest. */
function parts(timings: readonly Timing[]): readonly Timing[] {
  const inOrder = timings.filter((t) => !WITHIN.includes(t.step));
  const rest = total(timings) - inOrder.reduce((sum, t) => sum + t.seconds, 0);
  return rest < NOTABLE_SECONDS ? inOrder : [...inOrder, { step: 'rest', seconds: rest }];
}

const NOTABLE_SECONDS = 0.02;

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
