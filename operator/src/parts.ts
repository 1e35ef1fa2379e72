/** What the reconcilers share, and how the objects that they write are addressed. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { API_VERSION, ASSIGNMENT, CHECKPOINT, GROUP, VERSION } from '@dynamo-snapshot/api/names';
import type { Clock } from '@dynamo-snapshot/api/time';
import type { Api, Ref } from '@dynamo-snapshot/controller/api';
import type { EventRecorder, EventTarget } from '@dynamo-snapshot/controller/events';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { KubeConfig, V1Job, V1Pod } from '@kubernetes/client-node';
import type { OperatorConfig } from './config';

export interface Parts {
  readonly kube: KubeConfig;
  readonly api: Api;
  readonly events: EventRecorder;
  readonly config: OperatorConfig;
  readonly log: Log;
  readonly clock: Clock;
}

/** The caches of the informers, as the reconcilers read them. */
export interface Caches {
  readonly checkpoints: Cache<DynamoCheckpoint>;
  readonly assignments: Cache<SnapshotAssignment>;
  readonly pods: Cache<V1Pod>;
  readonly jobs: Cache<V1Job>;
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

export const checkpointTarget = ({ metadata }: DynamoCheckpoint): EventTarget => ({
  apiVersion: API_VERSION,
  kind: CHECKPOINT.kind,
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
});
