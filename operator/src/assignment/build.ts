/** The assignments that the operator makes; pure. Names follow from what they are for, so that making one twice makes one. */
import type { AssignmentSpec } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { checkpointDefaults } from '@dynamo-snapshot/api/checkpoint';
import type { Hook } from '@dynamo-snapshot/api/hooks';
import { API_VERSION, ASSIGNMENT, CHECKPOINT, label } from '@dynamo-snapshot/api/names';
import type { Fallback } from '@dynamo-snapshot/api/standby';
import type { Body } from '@dynamo-snapshot/controller/api';
import type { Quiesce } from '../backend/quiesce';
import { profileOf } from '../backend/quiesce';
import type { CaptureRequest } from '../checkpoint/capture';
import {
  artifactUid,
  captureName,
  disposalName,
  endName,
  firstRestoreName,
  restoreName,
} from '../checkpoint/capture';

export interface Target {
  readonly nodeName: string;
  readonly pod: { readonly name: string; readonly uid: string };
  readonly container: { readonly name: string; readonly id: string };
}

/** The first container of that name, which the pod has not started yet. */
export interface ComingTarget extends Omit<Target, 'container'> {
  readonly container: { readonly name: string };
}

export interface Assignment extends Body {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: AssignmentSpec;
}

/** A label holds 63 characters and ends with a letter or digit. */
const labelValue = (name: string): string => name.slice(0, 63).replace(/[^a-z0-9]+$/, '');

/** Empty lists are left out: server-side apply would keep them as a difference. */
function hooks(lists: {
  readonly [when in keyof NonNullable<AssignmentSpec['hooks']>]: readonly Hook[] | undefined;
}): Pick<AssignmentSpec, 'hooks'> {
  const given = Object.entries(lists).filter(([, list = []]) => list.length > 0);
  return given.length === 0 ? {} : { hooks: Object.fromEntries(given) };
}

export function captureAssignment(
  checkpoint: DynamoCheckpoint,
  identityHash: string,
  request: CaptureRequest,
  target: Target,
  { beforeCapture, afterCapture, afterRestore }: Quiesce,
): Assignment {
  const { metadata, spec } = checkpoint;
  const profile = profileOf(checkpoint);
  const tcp = spec.capture?.tcp ?? profile?.tcp;
  const excludePaths = spec.capture?.excludePaths ?? profile?.excludePaths ?? [];
  return build(metadata, captureName(checkpoint, request), owner(checkpoint), {
    ...target,
    operation: 'Capture',
    checkpoint: { name: metadata.name, uid: metadata.uid },
    artifact: { identityHash, uid: artifactUid(metadata.uid, request) },
    afterCapture: spec.job === undefined ? 'KeepRunning' : 'Complete',
    ...(tcp === undefined ? {} : { tcp }),
    ...(excludePaths.length === 0 ? {} : { excludePaths: [...excludePaths] }),
    deadlineSeconds: spec.capture?.timeoutSeconds ?? checkpointDefaults.captureTimeoutSeconds,
    ...hooks({ before: beforeCapture, after: afterCapture ?? afterRestore, restored: afterRestore }),
  });
}

export interface Attempt {
  readonly number: number;
  readonly last: boolean;
  /** What the agent makes of the placeholder when it fails; absent = it waits on. */
  readonly fallback?: Fallback;
}

export function restoreAssignment(
  checkpoint: DynamoCheckpoint,
  target: Target | ComingTarget,
  { number, last, fallback }: Attempt,
): Assignment {
  const { metadata, spec, status } = checkpoint;
  const { identityHash = '', artifact } = status ?? {};
  const { pod, container } = target;
  const name =
    'id' in container ? restoreName(pod.name, container.id, number) : firstRestoreName(pod.name, pod.uid);
  return build(metadata, name, podOwner(target), {
    ...target,
    ...(fallback === undefined ? {} : { fallback, lastAttempt: last }),
    operation: 'Restore',
    checkpoint: { name: metadata.name, uid: metadata.uid },
    artifact: { identityHash, uid: artifact?.uid ?? '', digest: artifact?.digest ?? '' },
    deadlineSeconds: spec.restore?.timeoutSeconds ?? checkpointDefaults.restoreTimeoutSeconds,
    ...hooks({ after: spec.quiesce === undefined ? artifact?.wake : spec.quiesce.afterRestore }),
  });
}

const END_SECONDS = 60;

/** Ends the waiting of a placeholder without a restore; the checkpoint may not exist. */
export function endAssignment(
  checkpoint: { readonly name: string; readonly namespace: string; readonly uid?: string },
  target: Target,
  operation: Fallback,
  because: { readonly reason: string; readonly message: string },
): Assignment {
  return build(checkpoint, endName(target.pod.name, target.container.id), podOwner(target), {
    ...target,
    operation,
    checkpoint: { name: checkpoint.name, ...(checkpoint.uid === undefined ? {} : { uid: checkpoint.uid }) },
    because: { ...because },
    deadlineSeconds: END_SECONDS,
  });
}

const podOwner = ({ pod: { name, uid } }: Target | ComingTarget) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  name,
  uid,
});

const DISPOSAL_SECONDS = 300;

export function disposalAssignment(
  checkpoint: DynamoCheckpoint,
  identityHash: string,
  {
    operation,
    artifact,
    nodeName,
  }: {
    readonly operation: 'Delete' | 'Retain';
    readonly artifact: string;
    readonly nodeName: string;
  },
): Assignment {
  const { name, uid } = checkpoint.metadata;
  return build(checkpoint.metadata, disposalName(checkpoint, operation, artifact), owner(checkpoint), {
    nodeName,
    operation,
    checkpoint: { name, uid },
    artifact: { identityHash, uid: artifact },
    deadlineSeconds: DISPOSAL_SECONDS,
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
  checkpoint: { readonly name: string; readonly namespace: string },
  name: string,
  owned: object,
  spec: AssignmentSpec,
): Assignment {
  const labels = { [label.checkpointName]: labelValue(checkpoint.name), [label.operation]: spec.operation };
  return {
    apiVersion: API_VERSION,
    kind: ASSIGNMENT.kind,
    metadata: { name, namespace: checkpoint.namespace, ...{ labels, ownerReferences: [owned] } },
    spec,
  };
}
