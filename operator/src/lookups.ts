/** By which terms the reconcilers find objects; what is looked up here is never searched for. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { identityHash } from '@dynamo-snapshot/api/identity';
import type { V1Pod } from '@kubernetes/client-node';
import { jobName } from './checkpoint/capture';

export const identityTerm = (namespace: string, hash: string): string => `${namespace} ${hash}`;

/** An identity never changes. */
const hashes = new WeakMap<object, string>();
export function hashOf({ spec }: DynamoCheckpoint): string {
  const hash = hashes.get(spec.identity) ?? identityHash(spec.identity);
  hashes.set(spec.identity, hash);
  return hash;
}

export const identityTerms = (checkpoint: DynamoCheckpoint): readonly string[] => [
  identityTerm(checkpoint.metadata.namespace, hashOf(checkpoint)),
];

export const checkpointTerms = ({ metadata, spec }: SnapshotAssignment): readonly string[] => [
  spec.checkpoint.uid ?? `${metadata.namespace} ${spec.checkpoint.name}`,
];

/** By the pod that the work is on. */
export const targetTerms = ({ spec }: SnapshotAssignment): readonly string[] =>
  spec.pod === undefined ? [] : [spec.pod.uid];

export const nodeTerms = ({ spec }: SnapshotAssignment): readonly string[] => [spec.nodeName];

const labelTerm = (namespace: string, key: string, value: string): string => `${namespace} ${key}=${value}`;
const nameTerm = (namespace: string, name: string): string => `${namespace} ${name}`;

/** A pod is found by each of its labels, and by its name. */
export function podTerms({ metadata = {} }: V1Pod): readonly string[] {
  const { namespace = '', name = '', labels = {} } = metadata;
  return [
    nameTerm(namespace, name),
    ...Object.entries(labels).map(([key, value]) => labelTerm(namespace, key, value)),
  ];
}

export const JOB_UID_LABEL = 'batch.kubernetes.io/controller-uid';
const JOB_NAME_LABEL = 'batch.kubernetes.io/job-name';

/** The term of the first label: a pod that has all of them is among those that it finds. */
export function podTerm(namespace: string, labels: Readonly<Record<string, string>>): string {
  const [[key, value] = ['', '']] = Object.entries(labels);
  return labelTerm(namespace, key, value);
}

/** Which pods a capture under way may wait for, by the terms of the pods. */
export function waitingTerms({ metadata, spec, status }: DynamoCheckpoint): readonly string[] {
  if (status?.capture?.outcome !== undefined && metadata.deletionTimestamp === undefined) return [];
  const { namespace, name } = metadata;
  const { source } = spec;
  if (source?.podName !== undefined) return [nameTerm(namespace, source.podName)];
  if (source?.selector !== undefined) return [podTerm(namespace, source.selector.matchLabels)];
  return [podTerm(namespace, { [JOB_NAME_LABEL]: jobName(name, status?.capture?.version ?? 1) })];
}
