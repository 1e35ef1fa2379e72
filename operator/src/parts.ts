/** What the reconcilers share, and how the objects that they write are addressed. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { API_VERSION, ASSIGNMENT, CHECKPOINT, GROUP, VERSION } from '@dynamo-snapshot/api/names';
import type { Clock } from '@dynamo-snapshot/api/time';
import type { Find } from '@dynamo-snapshot/controller/lookup';
import type { Metrics } from '@dynamo-snapshot/controller/metrics';
import type { Api, Ref } from '@dynamo-snapshot/controller/api';
import type { EventRecorder, EventTarget } from '@dynamo-snapshot/controller/events';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { KubeConfig, V1Job, V1Pod } from '@kubernetes/client-node';
import type { KnownAgents } from './assignment/agents';
import type { OperatorConfig } from './config';
import type { Program } from './standby/program';

export interface Parts {
  readonly kube: KubeConfig;
  readonly api: Api;
  readonly events: EventRecorder;
  readonly config: OperatorConfig;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** What placeholders get by a ConfigMap; absent: they get it by an installer. */
  readonly program?: Program;
}

/** The caches of the informers, as the reconcilers read them. */
export interface Caches {
  readonly checkpoints: Cache<DynamoCheckpoint>;
  readonly assignments: Cache<SnapshotAssignment>;
  readonly pods: Cache<V1Pod>;
  readonly jobs: Cache<V1Job>;
  /** By namespace and identity hash. */
  readonly byIdentity: Find<DynamoCheckpoint>;
  /** By the UID of the checkpoint that they are for. */
  readonly assignmentsOf: Find<SnapshotAssignment>;
  /** By a label, and by name. */
  readonly podsBy: Find<V1Pod>;
  /** Those that mount a ConfigMap with the program of placeholders, by namespace. */
  readonly mounting: Find<V1Pod>;
  readonly agents: KnownAgents;
}

export interface Cache<T> {
  get(key: string): T | undefined;
  list(): readonly T[];
}

const ref = (plural: string, namespace: string, name: string): Ref => ({
  group: GROUP,
  version: VERSION,
  plural,
  namespace,
  name,
});

export const checkpointRef = (namespace: string, name: string): Ref =>
  ref(CHECKPOINT.plural, namespace, name);
export const assignmentRef = (namespace: string, name: string): Ref =>
  ref(ASSIGNMENT.plural, namespace, name);

export const podTarget = (
  namespace: string,
  pod: { readonly name: string; readonly uid: string },
): EventTarget => ({ apiVersion: 'v1', kind: 'Pod', namespace, ...pod });

export const checkpointTarget = ({ metadata }: DynamoCheckpoint): EventTarget => ({
  apiVersion: API_VERSION,
  kind: CHECKPOINT.kind,
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
});
