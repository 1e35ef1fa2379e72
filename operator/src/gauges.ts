/** What is there now, for the metrics; looked at when they are asked for. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { checkpointPhases } from '@dynamo-snapshot/api/checkpoint';
import { isFinal, operations } from '@dynamo-snapshot/api/assignment';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { Metrics } from '@dynamo-snapshot/controller/metrics';
import type { Agents } from './assignment/agents';

export function setCheckpointGauges(metrics: Metrics, checkpoints: readonly DynamoCheckpoint[]): void {
  for (const phase of checkpointPhases) {
    const count = checkpoints.filter((c) => (c.status?.phase ?? 'Pending') === phase).length;
    metrics.checkpoints.set({ phase }, count);
  }
  const artifacts = checkpoints.flatMap((c) => c.status?.artifact ?? []);
  metrics.artifacts.set(artifacts.length);
  metrics.artifactBytes.set(artifacts.reduce((sum, a) => sum + a.sizeBytes, 0));
}

export function setAssignmentGauges(metrics: Metrics, assignments: readonly SnapshotAssignment[]): void {
  const open = assignments.filter((a) => !isFinal(a.status?.phase));
  for (const operation of operations)
    metrics.inFlight.set({ operation }, open.filter((a) => a.spec.operation === operation).length);
}

export function setAgentGauges(metrics: Metrics, agents: Agents): void {
  for (const state of ['alive', 'silent'] as const)
    metrics.agents.set({ state }, agents.nodes.filter((node) => agents.state(node) === state).length);
}
