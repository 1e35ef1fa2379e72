/** Every metric of operator and agent, in one table: the instruments and the reference are made of it. */
import type { Registry } from 'prom-client';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { WorkQueue } from './queue';

interface MetricSpec {
  readonly name: `dynamo_snapshot_${string}`;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  readonly by: 'operator' | 'agent' | 'both';
  readonly buckets?: readonly number[];
}

/** From a CUDA lock to a load of an hour. */
const STEP_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];

export const metricTable = {
  operations: {
    name: 'dynamo_snapshot_operations_total',
    type: 'counter',
    help: 'Assignments that ended. outcome is succeeded, failed or cancelled; reason is empty for the first.',
    labels: ['operation', 'outcome', 'reason'],
    by: 'both',
  },
  stepSeconds: {
    name: 'dynamo_snapshot_step_seconds',
    type: 'histogram',
    help: 'How long each step of a successful operation took; step "total" is the whole, "paused" how long a source stood still.',
    labels: ['operation', 'step'],
    by: 'agent',
    buckets: STEP_SECONDS,
  },
  bytes: {
    name: 'dynamo_snapshot_bytes_total',
    type: 'counter',
    help: 'Bytes of artifacts that were written by captures and read by restores.',
    labels: ['operation'],
    by: 'agent',
  },
  inFlight: {
    name: 'dynamo_snapshot_operations_in_flight',
    type: 'gauge',
    help: 'Operations that an agent works on.',
    labels: ['operation'],
    by: 'agent',
  },
  openAssignments: {
    name: 'dynamo_snapshot_open_assignments',
    type: 'gauge',
    help: 'Assignments that have not ended, whether an agent works on them or not; told by the replica that leads.',
    labels: ['operation'],
    by: 'operator',
  },
  unreadableEntries: {
    name: 'dynamo_snapshot_unreadable_journal_entries',
    type: 'gauge',
    help: 'Journal entries of the node that could not be read: what they had done was taken back, and they wait for a person.',
    labels: [],
    by: 'agent',
  },
  swept: {
    name: 'dynamo_snapshot_swept_artifacts_total',
    type: 'counter',
    help: 'Artifacts that belonged to no DynamoCheckpoint any more and were removed.',
    labels: [],
    by: 'agent',
  },
  queueDepth: {
    name: 'dynamo_snapshot_queue_depth',
    type: 'gauge',
    help: 'Keys that wait for a reconciler.',
    labels: ['queue'],
    by: 'both',
  },
  queueRunning: {
    name: 'dynamo_snapshot_queue_running',
    type: 'gauge',
    help: 'Keys that a reconciler works on.',
    labels: ['queue'],
    by: 'both',
  },
  reconcileSeconds: {
    name: 'dynamo_snapshot_reconcile_seconds',
    type: 'histogram',
    help: 'How long a run of a reconciler took.',
    labels: ['queue'],
    by: 'both',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
  },
  reconcileErrors: {
    name: 'dynamo_snapshot_reconcile_errors_total',
    type: 'counter',
    help: 'Runs of a reconciler that failed. retried: yes, it comes back by itself; no, it waits for a change.',
    labels: ['queue', 'retried'],
    by: 'both',
  },
  checkpoints: {
    name: 'dynamo_snapshot_checkpoints',
    type: 'gauge',
    help: 'DynamoCheckpoints by phase; told by the replica that leads.',
    labels: ['phase'],
    by: 'operator',
  },
  artifacts: {
    name: 'dynamo_snapshot_artifacts',
    type: 'gauge',
    help: 'Artifacts that pods may be restored from; 0 on a replica that does not lead.',
    labels: [],
    by: 'operator',
  },
  artifactBytes: {
    name: 'dynamo_snapshot_artifact_bytes',
    type: 'gauge',
    help: 'What these artifacts weigh; 0 on a replica that does not lead.',
    labels: [],
    by: 'operator',
  },
  restores: {
    name: 'dynamo_snapshot_restores_total',
    type: 'counter',
    help: 'Restores that ended, by how: succeeded, failed (another attempt, or no worker), fellBack (started cold).',
    labels: ['outcome'],
    by: 'operator',
  },
  agents: {
    name: 'dynamo_snapshot_agents',
    type: 'gauge',
    help: 'Nodes by their agent: alive where its pod is Ready, silent where it has a pod that is not; told by the replica that leads.',
    labels: ['state'],
    by: 'operator',
  },
  leading: {
    name: 'dynamo_snapshot_leading',
    type: 'gauge',
    help: '1 on the replica that works, 0 on the others.',
    labels: [],
    by: 'operator',
  },
} as const satisfies Readonly<Record<string, MetricSpec>>;

type Table = typeof metricTable;
type Instrument<M extends MetricSpec> = M['type'] extends 'counter'
  ? Counter
  : M['type'] extends 'gauge'
    ? Gauge
    : Histogram;
export type Metrics = { readonly [K in keyof Table]: Instrument<Table[K]> };

function instrument(spec: MetricSpec, registers: readonly Registry[]): Counter | Gauge | Histogram {
  const { name, help } = spec;
  const common = { name, help, labelNames: [...spec.labels], registers: [...registers] };
  switch (spec.type) {
    case 'counter':
      return new Counter(common);
    case 'gauge':
      return new Gauge(common);
    case 'histogram':
      return new Histogram({ ...common, buckets: [...(spec.buckets ?? [])] });
  }
}

/** All of them; the registry shows what belongs to the program. */
export function makeMetrics(registry: Registry, program: 'operator' | 'agent'): Metrics {
  const made = Object.entries(metricTable).map(([key, spec]: [string, MetricSpec]) => [
    key,
    instrument(spec, spec.by === 'both' || spec.by === program ? [registry] : []),
  ]);
  return Object.fromEntries(made) as Metrics;
}

/** What a WorkQueue is given to be measured. */
export const measured = (metrics: Metrics, queue: string) => ({
  onRun: (result: 'ok' | 'retried' | 'gaveUp', seconds: number) => {
    metrics.reconcileSeconds.observe({ queue }, seconds);
    if (result !== 'ok') metrics.reconcileErrors.inc({ queue, retried: result === 'retried' ? 'yes' : 'no' });
  },
});

export function measureDepth(metrics: Metrics, queues: Readonly<Record<string, WorkQueue>>): void {
  for (const [queue, { depth, running }] of Object.entries(queues)) {
    metrics.queueDepth.set({ queue }, depth);
    metrics.queueRunning.set({ queue }, running);
  }
}
