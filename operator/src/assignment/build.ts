/** The assignments that the operator makes; pure. Names follow from what they are for, so that making one twice makes one. */
import type { AssignmentSpec } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { checkpointDefaults } from '@dynamo-snapshot/api/checkpoint';
import { API_VERSION, ASSIGNMENT, CHECKPOINT, label } from '@dynamo-snapshot/api/names';
import type { Body } from '@dynamo-snapshot/controller/api';

export interface Target {
  readonly nodeName: string;
  readonly pod: { readonly name: string; readonly uid: string };
  readonly container: { readonly name: string; readonly id: string };
}

export interface Assignment extends Body {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: AssignmentSpec;
}

const short = (uid: string): string => uid.slice(0, 8);
/** A label holds 63 characters and ends with a letter or digit. */
const labelValue = (name: string): string => name.slice(0, 63).replace(/[^a-z0-9]+$/, '');
const cut = (name: string): string => name.slice(0, 200);

export const captureName = ({ metadata }: DynamoCheckpoint): string =>
  `capture-${cut(metadata.name)}-${short(metadata.uid)}`;
export const deleteName = ({ metadata }: DynamoCheckpoint): string =>
  `delete-${cut(metadata.name)}-${short(metadata.uid)}`;
export const restoreName = (pod: string, containerId: string): string =>
  `restore-${cut(pod)}-${containerId.slice(0, 10)}`;

/** The artifact has the UID of its checkpoint. */
export function captureAssignment(
  checkpoint: DynamoCheckpoint,
  identityHash: string,
  target: Target,
): Assignment {
  const { metadata, spec } = checkpoint;
  return build(checkpoint, captureName(checkpoint), owner(checkpoint), {
    ...target,
    operation: 'Capture',
    checkpoint: { name: metadata.name, uid: metadata.uid },
    artifact: { identityHash, uid: metadata.uid },
    afterCapture: spec.job === undefined ? 'KeepRunning' : 'Complete',
    deadlineSeconds: spec.capture?.timeoutSeconds ?? checkpointDefaults.captureTimeoutSeconds,
  });
}

export function restoreAssignment(checkpoint: DynamoCheckpoint, target: Target): Assignment {
  const { metadata, spec, status } = checkpoint;
  const { identityHash = '', artifact } = status ?? {};
  const { pod } = target;
  const owned = { apiVersion: 'v1', kind: 'Pod', name: pod.name, uid: pod.uid };
  return build(checkpoint, restoreName(pod.name, target.container.id), owned, {
    ...target,
    operation: 'Restore',
    checkpoint: { name: metadata.name, uid: metadata.uid },
    artifact: { identityHash, uid: artifact?.uid ?? '', digest: artifact?.digest ?? '' },
    deadlineSeconds: spec.restore?.timeoutSeconds ?? checkpointDefaults.restoreTimeoutSeconds,
  });
}

const DELETE_SECONDS = 300;

export function deleteAssignment(
  checkpoint: DynamoCheckpoint,
  identityHash: string,
  nodeName: string,
): Assignment {
  const { name, uid } = checkpoint.metadata;
  return build(checkpoint, deleteName(checkpoint), owner(checkpoint), {
    nodeName,
    operation: 'Delete',
    checkpoint: { name, uid },
    artifact: { identityHash, uid },
    deadlineSeconds: DELETE_SECONDS,
  });
}

const owner = ({ metadata }: DynamoCheckpoint) => ({
  apiVersion: API_VERSION,
  kind: CHECKPOINT.kind,
  name: metadata.name,
  uid: metadata.uid,
  controller: true,
  blockOwnerDeletion: false,
});

function build(
  { metadata }: DynamoCheckpoint,
  name: string,
  owned: object,
  spec: AssignmentSpec,
): Assignment {
  const labels = { [label.checkpointName]: labelValue(metadata.name), [label.operation]: spec.operation };
  return {
    apiVersion: API_VERSION,
    kind: ASSIGNMENT.kind,
    metadata: { name, namespace: metadata.namespace, ...{ labels, ownerReferences: [owned] } },
    spec,
  };
}
