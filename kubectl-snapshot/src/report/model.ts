/** What the report tells, from the objects of a cluster; pure. */
import type { V1Pod } from '@kubernetes/client-node';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { annotation, label } from '@dynamo-snapshot/api/names';
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { Operation } from '../operations/operation';
import { operationOf, secondsOf } from '../operations/operation';

/** One capture or restore on the time line, seconds from its begin. */
export interface Bar {
  readonly operation: Operation;
  readonly beginMs: number;
  readonly seconds: number;
  readonly parts: readonly Timing[];
}

/** How long a pod took from its start until it was Ready. */
export interface Start {
  readonly pod: string;
  readonly checkpoint: string;
  readonly kind: 'cold' | 'restored';
  readonly seconds: number;
}

export interface Comparison {
  readonly checkpoint: string;
  /** Medians; undefined where there is no such pod. */
  readonly coldSeconds: number | undefined;
  readonly restoredSeconds: number | undefined;
  readonly ratio: number | undefined;
}

export interface Report {
  readonly title: string;
  readonly now: number;
  readonly checkpoints: readonly DynamoCheckpoint[];
  readonly bars: readonly Bar[];
  readonly starts: readonly Start[];
  readonly comparisons: readonly Comparison[];
  readonly restores: { readonly succeeded: number; readonly failed: number };
}

export interface Sources {
  readonly title: string;
  readonly checkpoints: readonly DynamoCheckpoint[];
  readonly assignments: readonly SnapshotAssignment[];
  readonly pods: readonly V1Pod[];
}

export function reportOf({ title, checkpoints, assignments, pods }: Sources, now: number): Report {
  const starts = pods.flatMap((pod) => startOf(pod, checkpoints));
  return {
    title,
    now,
    checkpoints: [...checkpoints].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)),
    bars: assignments
      .map(operationOf)
      .filter((o) => o.kind === 'Capture' || o.kind === 'Restore')
      .flatMap((o) => barOf(o, now))
      .sort((a, b) => a.beginMs - b.beginMs),
    starts: [...starts].sort((a, b) => b.seconds - a.seconds),
    comparisons: checkpoints
      .map(({ metadata }) => compare(metadata.name, starts))
      .filter((c) => c.coldSeconds !== undefined || c.restoredSeconds !== undefined),
    restores: {
      succeeded: sum(checkpoints, (c) => c.status?.restores?.succeeded),
      failed: sum(checkpoints, (c) => c.status?.restores?.failed),
    },
  };
}

const sum = (list: readonly DynamoCheckpoint[], of: (c: DynamoCheckpoint) => number | undefined): number =>
  list.reduce((total, c) => total + (of(c) ?? 0), 0);

/** Parts of other steps, which would be counted twice. */
const WITHIN: ReadonlySet<string> = new Set(['paused', 'files', 'total']);
export const REST = 'between steps';
const LEAST_REST_SECONDS = 0.005;

function barOf(operation: Operation, now: number): readonly Bar[] {
  const seconds = secondsOf(operation, now);
  if (operation.startedAt === undefined || seconds === undefined) return [];
  const steps = operation.timings.filter((t) => !WITHIN.has(t.step));
  const told = steps.reduce((total, t) => total + t.seconds, 0);
  // Start and end have whole seconds in the status, the steps have not.
  const whole = Math.max(seconds, told);
  const rest = whole - told;
  const parts = rest > LEAST_REST_SECONDS ? [...steps, { step: REST, seconds: rest }] : steps;
  return [{ operation, beginMs: Date.parse(operation.startedAt), seconds: whole, parts }];
}

function startOf(pod: V1Pod, checkpoints: readonly DynamoCheckpoint[]): readonly Start[] {
  const seconds = readySeconds(pod);
  const { name = '', annotations = {}, labels = {} } = pod.metadata ?? {};
  if (seconds === undefined) return [];
  const from = annotations[annotation.restoreFrom] ?? restoredByHash(labels, checkpoints);
  if (from !== undefined) return [{ pod: name, checkpoint: from, kind: 'restored', seconds }];
  const source = checkpoints.find((c) => c.status?.podName === name || c.spec.source?.podName === name);
  return source === undefined ? [] : [{ pod: name, checkpoint: source.metadata.name, kind: 'cold', seconds }];
}

const restoredByHash = (
  labels: Readonly<Record<string, string>>,
  checkpoints: readonly DynamoCheckpoint[],
): string | undefined =>
  labels[label.isRestoreTarget] === 'true'
    ? checkpoints.find((c) => c.status?.identityHash === labels[label.checkpointHash])?.metadata.name
    : undefined;

/** From the kubelet's start until the pod was Ready; undefined where it is not. */
function readySeconds({ status }: V1Pod): number | undefined {
  const ready = status?.conditions?.find(
    (c) => c.type === 'Ready' && c.status === 'True',
  )?.lastTransitionTime;
  if (ready === undefined || status?.startTime === undefined) return undefined;
  return Math.max(0, (new Date(ready).getTime() - new Date(status.startTime).getTime()) / 1000);
}

function compare(checkpoint: string, starts: readonly Start[]): Comparison {
  const of = (kind: Start['kind']) =>
    median(starts.filter((s) => s.checkpoint === checkpoint && s.kind === kind).map((s) => s.seconds));
  const [coldSeconds, restoredSeconds] = [of('cold'), of('restored')];
  const ratio = coldSeconds !== undefined && restoredSeconds ? coldSeconds / restoredSeconds : undefined;
  return { checkpoint, coldSeconds, restoredSeconds, ratio };
}

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle];
  return sorted.length === 0 ? undefined : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
