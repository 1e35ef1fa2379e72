/** What one capture is called: names and UIDs follow from the checkpoint, the version and the attempt, so that making one twice makes one. Pure. */
import { createHash } from 'node:crypto';
import type { CheckpointStatus, DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { annotation } from '@dynamo-snapshot/api/names';

export type CaptureRequest = NonNullable<CheckpointStatus['capture']>;

/**
 * What asks for a capture: another key, another capture. Whoever changes what goes in here has every checkpoint captured again by the
 * next release.
 */
export function captureKey({ metadata, spec }: DynamoCheckpoint): string {
  const { source } = spec;
  const { podTemplateSpec, targetContainerName, sharedMemory } = spec.job ?? {};
  const recapture = metadata.annotations?.[annotation.recapture]?.trim() || '';
  const version = metadata.annotations?.[annotation.artifactVersion]?.trim() || '1';
  const asked = { source, podTemplateSpec, targetContainerName, sharedMemory, recapture, version };
  return createHash('sha256').update(canonical(asked)).digest('hex').slice(0, 16);
}

/** JSON with sorted keys: the order in which the API server returns fields is not ours. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) =>
    typeof v === 'object' && v !== null && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );

type Numbers = Pick<CaptureRequest, 'version' | 'attempt'>;

const isFirst = ({ version, attempt }: Numbers): boolean => version === 1 && attempt === 1;

/** The first artifact has the UID of its checkpoint; each further one, a UID that follows from it. */
export function artifactUid(checkpointUid: string, numbers: Numbers): string {
  if (isFirst(numbers)) return checkpointUid;
  const seed = `${checkpointUid} ${numbers.version} ${numbers.attempt}`;
  const hex = createHash('sha256').update(seed).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

const short = (uid: string): string => uid.slice(0, 8);
const cut = (name: string): string => name.slice(0, 200);

export function captureName({ metadata }: DynamoCheckpoint, numbers: Numbers): string {
  const name = `capture-${cut(metadata.name)}-${short(metadata.uid)}`;
  return isFirst(numbers) ? name : `${name}-${numbers.version}.${numbers.attempt}`;
}

/** One assignment for each artifact that goes or is to stay. */
export const disposalName = (
  { metadata }: DynamoCheckpoint,
  operation: 'Delete' | 'Retain',
  artifact: string,
): string => `${operation.toLowerCase()}-${cut(metadata.name)}-${short(artifact)}`;

/** The first attempt has no number. */
export const restoreName = (pod: string, containerId: string, attempt = 1): string =>
  `restore-${cut(pod)}-${containerId.slice(0, 10)}${attempt === 1 ? '' : `-${attempt}`}`;

/** Made before the pod has a container: into the first one. */
export const firstRestoreName = (pod: string, podUid: string): string =>
  `restore-${cut(pod)}-${short(podUid)}`;

/** Of the order to end the waiting of a placeholder without a restore. */
export const endName = (pod: string, containerId: string): string =>
  `end-${cut(pod)}-${containerId.slice(0, 10)}`;

export const jobName = (checkpoint: string, version = 1): string =>
  version === 1 ? `checkpoint-${checkpoint}` : `checkpoint-${checkpoint}-${version}`;
