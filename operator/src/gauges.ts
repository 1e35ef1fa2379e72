/** What is there now, for the metrics; looked at when they are asked for. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { checkpointPhases } from '@dynamo-snapshot/api/checkpoint';
import { isFinal, operations } from '@dynamo-snapshot/api/assignment';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { Metrics } from '@dynamo-snapshot/controller/metrics';
import type { Agents } from './assignment/agents';
import { restoreOutcomes } from './checkpoint/restores';

export interface Seen {
  readonly checkpoints: readonly DynamoCheckpoint[];
  readonly assignments: readonly SnapshotAssignment[];
  readonly agents: Agents;
}

/** `increase` of a series that begins with 1 is 0: the first failure would go unnoticed. */
export function beginAtZero({ restores }: Metrics): void {
  for (const outcome of restoreOutcomes) restores.inc({ outcome }, 0);
}

/** Every replica sees the same, and the one that leads tells of it: so a sum over the replicas has each thing once. */
export function setGauges(metrics: Metrics, leading: boolean, seen: Seen): void {
  const { checkpoints, artifacts, artifactBytes, openAssignments, agents } = metrics;
  metrics.leading.set(leading ? 1 : 0);
  if (leading) {
    setCheckpointGauges(metrics, seen.checkpoints);
    setAssignmentGauges(metrics, seen.assignments);
    setAgentGauges(metrics, seen.agents);
  } else for (const gauge of [checkpoints, artifacts, artifactBytes, openAssignments, agents]) gauge.reset();
}

function setCheckpointGauges(metrics: Metrics, checkpoints: readonly DynamoCheckpoint[]): void {
  for (const phase of checkpointPhases) {
    const count = checkpoints.filter((c) => (c.status?.phase ?? 'Pending') === phase).length;
    metrics.checkpoints.set({ phase }, count);
  }
  const artifacts = checkpoints.flatMap((c) => c.status?.artifact ?? []);
  metrics.artifacts.set(artifacts.length);
  metrics.artifactBytes.set(artifacts.reduce((sum, a) => sum + a.sizeBytes, 0));
}

function setAssignmentGauges(metrics: Metrics, assignments: readonly SnapshotAssignment[]): void {
  const open = assignments.filter((a) => !isFinal(a.status?.phase));
  for (const operation of operations)
    metrics.openAssignments.set({ operation }, open.filter((a) => a.spec.operation === operation).length);
}

function setAgentGauges(metrics: Metrics, agents: Agents): void {
  for (const state of ['alive', 'silent'] as const)
    metrics.agents.set({ state }, agents.nodes.filter((node) => agents.state(node) === state).length);
}
