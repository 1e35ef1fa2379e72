/** Which image a checkpoint was or would be captured from: the same identity from another image is another artifact. Pure. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import type { V1Pod, V1PodTemplateSpec } from '@kubernetes/client-node';
import { targetContainer } from '../assignment/container';

export interface Image {
  /** As a pod spec names it. */
  readonly name?: string;
  /** sha256:<hex>, where a container runs or ran. */
  readonly digest?: string;
}

const digestOf = (imageId: string | undefined): string | undefined =>
  /sha256:[0-9a-f]{64}$/.exec(imageId ?? '')?.[0];

/** What it was captured from; else what its pod runs, or its template names. */
export const imageOf = ({ spec, status }: DynamoCheckpoint, pod: V1Pod | undefined): Image =>
  status?.artifact !== undefined
    ? named(status.source?.image, status.source?.imageDigest)
    : imageToBe(spec, pod);

function imageToBe({ source, job }: DynamoCheckpoint['spec'], pod: V1Pod | undefined): Image {
  const template = job?.podTemplateSpec as V1PodTemplateSpec | undefined;
  const containers = (pod ?? template)?.spec?.containers ?? [];
  const wanted = targetContainer(containers, source?.containerName ?? job?.targetContainerName);
  const running = pod?.status?.containerStatuses?.find((c) => c.name === wanted);
  return named(containers.find((c) => c.name === wanted)?.image, running?.imageID);
}

function named(name: string | undefined, imageId: string | undefined): Image {
  const digest = digestOf(imageId);
  return { ...(name ? { name } : {}), ...(digest === undefined ? {} : { digest }) };
}

/** By digest where both have one; else by name. What nobody knows does not differ. */
export function differs(a: Image, b: Image): boolean {
  if (a.digest !== undefined && b.digest !== undefined) return a.digest !== b.digest;
  return a.name !== undefined && b.name !== undefined && a.name !== b.name;
}

export const describe = ({ name, digest }: Image): string =>
  [name, digest === undefined ? undefined : `(${digest})`].filter(Boolean).join(' ') || 'an unknown image';
