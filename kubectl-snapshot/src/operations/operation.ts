/** A piece of work as people follow it: what, of which checkpoint, where, and how far; pure. */
import type { AssignmentPhase, Operation as Kind, SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { AWAITS_CONTAINER, isFinal } from '@dynamo-snapshot/api/assignment';
import type { Progress } from '@dynamo-snapshot/api/progress';
import { humanBytes, humanSeconds } from '@dynamo-snapshot/api/quantity';
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { Instant } from '@dynamo-snapshot/api/time';
import { secondsBetween } from '@dynamo-snapshot/api/time';
import type { Colors } from 'picocolors/types';
import { bar } from '../output/bar';

export interface Operation {
  readonly kind: Kind;
  readonly name: string;
  readonly namespace: string;
  readonly checkpoint: string;
  readonly pod: string;
  readonly node: string;
  /** Pending until an agent has taken it. */
  readonly phase: AssignmentPhase;
  readonly progress: Progress | undefined;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly timings: readonly Timing[];
  readonly bytes: number | undefined;
}

export function operationOf({ metadata, spec, status = {} }: SnapshotAssignment): Operation {
  return {
    kind: spec.operation,
    name: metadata.name,
    namespace: metadata.namespace,
    checkpoint: spec.checkpoint.name,
    pod: spec.pod?.name ?? '',
    node: spec.nodeName,
    phase: status.phase ?? 'Pending',
    progress: status.progress,
    startedAt: status.startedAt,
    finishedAt: status.finishedAt,
    reason: status.reason,
    message: status.message,
    timings: status.timings ?? [],
    bytes: status.artifact?.sizeBytes ?? status.receipt?.bytes,
  };
}

export const isRunning = (o: Operation): boolean => !isFinal(o.phase);

/** Running ones, oldest first, then those that ended within `recentSeconds`. */
export function current(
  all: readonly Operation[],
  now: Instant,
  recentSeconds: number,
): readonly Operation[] {
  const recent = (o: Operation) =>
    o.finishedAt !== undefined && now - Date.parse(o.finishedAt) <= recentSeconds * 1000;
  const byStart = (a: Operation, b: Operation) => ((a.startedAt ?? '~') < (b.startedAt ?? '~') ? -1 : 1);
  return [
    ...all.filter(isRunning).sort(byStart),
    ...all.filter((o) => !isRunning(o) && recent(o)).sort(byStart),
  ];
}

export function secondsOf(o: Operation, now: Instant): number | undefined {
  if (o.startedAt === undefined) return undefined;
  const until = o.finishedAt ?? new Date(now).toISOString();
  return Math.max(0, secondsBetween(o.startedAt, until));
}

const BAR = 20;

export interface Look {
  readonly colours: Colors;
  /** Bars only on a terminal. */
  readonly bars: boolean;
}

/** "dump  ████░░░  45%  1.2Gi of 2.6Gi  512Mi/s  3s left" */
export function progressText(progress: Progress | undefined, { colours, bars }: Look): string {
  if (progress === undefined) return '';
  const { step, bytesDone, bytesTotal, bytesPerSecond, etaSeconds } = progress;
  if (bytesDone === undefined || !bytesTotal) return step;
  const fraction = bytesDone / bytesTotal;
  return [
    step.padEnd(8),
    ...(bars ? [colours.cyan(bar(fraction, BAR))] : []),
    `${Math.floor(100 * fraction)}%`.padStart(4),
    `${humanBytes(bytesDone)} of ${humanBytes(bytesTotal)}`,
    ...(bytesPerSecond === undefined ? [] : [`${humanBytes(bytesPerSecond)}/s`]),
    ...(etaSeconds === undefined ? [] : [`${humanSeconds(etaSeconds).replace(/\.\d+s/, 's')} left`]),
  ].join('  ');
}

function paint(phase: AssignmentPhase, colours: Colors): string {
  switch (phase) {
    case 'Succeeded':
      return colours.green(phase);
    case 'Running':
      return colours.cyan(phase);
    case 'Pending':
      return colours.yellow(phase);
    default:
      return colours.red(phase);
  }
}

/** How far a running one is, or how a finished one ended. */
export function outcomeText(o: Operation, now: Instant, look: Look): string {
  if (o.phase === 'Pending') return look.colours.yellow(`waiting for the ${awaited(o)}`);
  if (o.phase === 'Running') return progressText(o.progress, look);
  const seconds = secondsOf(o, now);
  const took = seconds === undefined ? '' : ` in ${humanSeconds(seconds)}`;
  if (o.phase === 'Succeeded')
    return look.colours.green(`done${took}${o.bytes === undefined ? '' : `, ${humanBytes(o.bytes)}`}`);
  return look.colours.red([o.reason ?? o.phase, o.message].filter(Boolean).join(': '));
}

const awaited = ({ progress }: Operation): string =>
  progress?.step === AWAITS_CONTAINER ? 'container to start' : 'agent';

const headOf = (o: Operation): string => {
  const pod = o.pod === '' ? '' : ` ${o.kind === 'Restore' ? 'into' : 'of'} ${o.pod}`;
  return `${o.kind.toLowerCase().padEnd(8)} ${o.checkpoint}${pod} on ${o.node}`;
};

/** Lines of `status -w`, their bars one below the other. */
export function operationLines(list: readonly Operation[], now: Instant, look: Look): readonly string[] {
  const width = Math.max(0, ...list.map((o) => headOf(o).length));
  return list.map((o) => `${headOf(o).padEnd(width)}  ${outcomeText(o, now, look)}`);
}

export const operationLine = (o: Operation, now: Instant, look: Look): string =>
  operationLines([o], now, look)[0] ?? '';

export function operationRow(o: Operation, now: Instant, look: Look): readonly string[] {
  const seconds = secondsOf(o, now);
  const size = o.bytes === undefined ? '' : humanBytes(o.bytes);
  return [
    o.kind,
    o.checkpoint,
    o.pod,
    o.node,
    paint(o.phase, look.colours),
    seconds === undefined ? '' : humanSeconds(seconds),
    o.phase === 'Succeeded' ? size : outcomeText(o, now, look),
  ];
}

export const operationHead = ['OPERATION', 'CHECKPOINT', 'POD', 'NODE', 'PHASE', 'TIME', 'PROGRESS'] as const;
