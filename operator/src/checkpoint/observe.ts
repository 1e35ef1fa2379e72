/** A checkpoint with all that bears on it, from the caches. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { identityHash } from '@dynamo-snapshot/api/identity';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { captureName, deleteName } from '../assignment/build';
import type { RunningContainer } from '../assignment/container';
import { runningContainer, targetContainer } from '../assignment/container';
import type { Caches } from '../parts';
import { jobName } from './job';

/** foreign: of its name, but made for something else, such as a deleted checkpoint of the same name. */
export type JobState = 'absent' | 'foreign' | 'active' | 'complete' | 'failed';

/** The pod that is to be captured. */
export type Source =
  | { readonly state: 'absent' }
  | { readonly state: 'noContainer'; readonly pod: string }
  | { readonly state: 'waiting'; readonly pod: string }
  | { readonly state: 'ready'; readonly pod: string; readonly target: RunningContainer };

export interface Observed {
  readonly checkpoint: DynamoCheckpoint;
  readonly hash: string;
  /** Name of an older checkpoint with the same identity in the namespace. */
  readonly owner?: string;
  readonly job: JobState;
  readonly source: Source;
  readonly capture?: SnapshotAssignment;
  readonly deletion?: SnapshotAssignment;
}

export function observe(checkpoint: DynamoCheckpoint, caches: Caches): Observed {
  const { namespace } = checkpoint.metadata;
  const hash = identityHash(checkpoint.spec.identity);
  const owner = ownerOf(checkpoint, hash, caches);
  const job = caches.jobs.get(`${namespace}/${jobName(checkpoint.metadata.name)}`);
  const capture = caches.assignments.get(`${namespace}/${captureName(checkpoint)}`);
  const deletion = caches.assignments.get(`${namespace}/${deleteName(checkpoint)}`);
  return {
    checkpoint,
    hash,
    job: jobState(job, checkpoint),
    source: sourceOf(checkpoint, sourcePod(checkpoint, caches, job)),
    ...(owner === undefined ? {} : { owner }),
    ...(capture === undefined ? {} : { capture }),
    ...(deletion === undefined ? {} : { deletion }),
  };
}

/** A failed or leaving checkpoint owns nothing. */
function ownerOf({ metadata }: DynamoCheckpoint, hash: string, { checkpoints }: Caches): string | undefined {
  const age = (m: DynamoCheckpoint['metadata']) => `${String(m.creationTimestamp ?? '')} ${m.name}`;
  return checkpoints
    .list()
    .filter((c) => c.metadata.namespace === metadata.namespace && c.metadata.uid !== metadata.uid)
    .filter((c) => c.status?.phase !== 'Failed' && c.metadata.deletionTimestamp === undefined)
    .filter((c) => identityHash(c.spec.identity) === hash && age(c.metadata) < age(metadata))
    .map((c) => c.metadata.name)[0];
}

const ownedBy = (job: V1Job, { metadata }: DynamoCheckpoint): boolean =>
  job.metadata?.ownerReferences?.some((o) => o.uid === metadata.uid) === true;

function jobState(job: V1Job | undefined, checkpoint: DynamoCheckpoint): JobState {
  if (job === undefined) return 'absent';
  if (!ownedBy(job, checkpoint)) return 'foreign';
  const is = (type: string) =>
    job.status?.conditions?.some((c) => c.type === type && c.status === 'True') === true;
  if (is('Failed')) return 'failed';
  return is('Complete') ? 'complete' : 'active';
}

const wantedContainer = ({ source, job }: DynamoCheckpoint['spec']): string | undefined =>
  source?.containerName ?? job?.targetContainerName;

function sourceOf({ spec }: DynamoCheckpoint, pod: V1Pod | undefined): Source {
  if (pod === undefined) return { state: 'absent' };
  const name = pod.metadata?.name ?? '';
  const container = targetContainer(pod.spec?.containers ?? [], wantedContainer(spec));
  if (container === undefined) return { state: 'noContainer', pod: name };
  const target = runningContainer(pod, container);
  return target?.ready === true && isReady(pod)
    ? { state: 'ready', pod: name, target }
    : { state: 'waiting', pod: name };
}

const isReady = (pod: V1Pod): boolean =>
  pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true;

/** Of a selector, the oldest pod that is Ready, or the oldest at all. */
function sourcePod(
  checkpoint: DynamoCheckpoint,
  { pods }: Caches,
  job: V1Job | undefined,
): V1Pod | undefined {
  const { metadata, spec } = checkpoint;
  const { namespace } = metadata;
  if (spec.source?.podName !== undefined) {
    const pod = pods.get(`${namespace}/${spec.source.podName}`);
    return pod?.metadata?.deletionTimestamp === undefined ? pod : undefined;
  }
  const wanted = spec.source?.selector?.matchLabels ?? jobPods(checkpoint, job);
  if (wanted === undefined) return undefined;
  const matching = pods
    .list()
    .filter((p) => p.metadata?.namespace === namespace && p.metadata.deletionTimestamp === undefined)
    .filter((p) => Object.entries(wanted).every(([key, value]) => p.metadata?.labels?.[key] === value))
    .sort((a, b) => created(a) - created(b));
  return matching.find(isReady) ?? matching[0];
}

/** A list gives a Date, a watch the text. */
const created = (pod: V1Pod): number => new Date(pod.metadata?.creationTimestamp ?? 0).getTime();

/** By the job's UID: pods of an earlier job of the same name may still be there. */
function jobPods(
  checkpoint: DynamoCheckpoint,
  job: V1Job | undefined,
): Readonly<Record<string, string>> | undefined {
  const uid = job?.metadata?.uid;
  if (job === undefined || uid === undefined || !ownedBy(job, checkpoint)) return undefined;
  return { 'batch.kubernetes.io/controller-uid': uid };
}
