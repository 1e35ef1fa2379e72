/** Results as a table for people: medians of all rounds, stock above ours. */
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { Half } from './medians';
import { isRounds, median, of, roundsOf, steps, taken, total } from './medians';
import type { Path } from './paths';
import type { RoundsResult } from './rounds';
import type { CaseResult } from './run';

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
