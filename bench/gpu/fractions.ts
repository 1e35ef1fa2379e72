/** How near each path comes to what the machine can do, where the same run has measured that; pure. */
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { Half } from './medians';
import { of, roundsOf, steps, taken } from './medians';
import type { Path } from './paths';
import type { RoundsResult } from './rounds';
import type { CaseResult } from './run';

/** As limits.c and `limits` tell them; GB/s. */
interface Limits {
  readonly memcpyGBs: number;
  readonly fillHugePagesGBs: number;
  readonly pinnedToDeviceGBs: number;
  readonly pinnedToHostGBs: number;
}

interface Column {
  readonly name: string;
  readonly half: Half;
  readonly step: string;
  readonly limit: keyof Limits;
}

const COLUMNS: readonly Column[] = [
  {
    name: "driver's checkpoint, of a pinned copy",
    half: 'capture',
    step: 'gpuCheckpoint',
    limit: 'pinnedToHostGBs',
  },
  { name: 'dump, of memcpy', half: 'capture', step: 'dump', limit: 'memcpyGBs' },
  {
    name: "driver's restore, of a pinned copy",
    half: 'restore',
    step: 'gpuRestore',
    limit: 'pinnedToDeviceGBs',
  },
  {
    name: 'whole restore, of the fill of a process',
    half: 'restore',
    step: 'total',
    limit: 'fillHugePagesGBs',
  },
];

const isLimits = (result: unknown): result is Limits =>
  typeof result === 'object' && result !== null && COLUMNS.every(({ limit }) => limit in result);

/** Empty without limits, or without cases. Bytes are those on the GPU: a tree has a little more. */
export function fractions(results: readonly CaseResult[]): string {
  const limits = results.map(({ result }) => result).find(isLimits);
  const rows = roundsOf(results).flatMap((result) =>
    taken(result).map((path) => (limits === undefined ? '' : row(result, path, limits))),
  );
  if (limits === undefined || rows.length === 0) return '';
  const head = `| case | path | ${COLUMNS.map(({ name }) => name).join(' | ')} |`;
  return [
    'GB/s, and what part that is of the limit that this run has measured:',
    '',
    head,
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function row(result: RoundsResult, path: Path, limits: Limits): string {
  const cells = COLUMNS.map(({ half, step, limit }) => {
    const seconds = secondsOf(steps(of(result, path), half), step);
    if (seconds === undefined) return '';
    const rate = result.gpuBytes / seconds / 1e9;
    return `${rate.toFixed(1)}, ${Math.round((rate / limits[limit]) * 100)} %`;
  });
  return `| ${[result.name, path, ...cells].join(' | ')} |`;
}

const secondsOf = (timings: readonly Timing[], step: string): number | undefined =>
  timings.find((t) => t.step === step)?.seconds;
