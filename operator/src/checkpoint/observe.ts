/** A checkpoint with all that bears on it, from the caches. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import type { Quiesce } from '../backend/quiesce';
import { quiesceOf } from '../backend/quiesce';
import type { AgentState } from '../assignment/agents';
import type { RunningContainer } from '../assignment/container';
import { runningContainer, targetContainer } from '../assignment/container';
import { hashOf, identityTerm, JOB_UID_LABEL, podTerm } from '../lookups';
import type { Caches } from '../parts';
import { isLeaving, isOver, isReady } from '../pod';
import type { HeldArtifact } from './artifacts';
import { heldArtifacts } from './artifacts';
import type { CaptureRequest } from './capture';
import { captureKey, captureName, jobName } from './capture';
import type { Image } from './image';
import { imageOf } from './image';
import type { JobSeen } from './job-state';
import { jobSeen, ownedBy } from './job-state';
import type { Restores } from './restores';
import { restoresOf } from './restores';

/** The pod that is to be captured. */
export type Source =
  | { readonly state: 'absent' }
  | { readonly state: 'noContainer'; readonly pod: string }
  | { readonly state: 'waiting'; readonly pod: string }
  | {
      readonly state: 'ready';
      readonly pod: string;
      readonly target: RunningContainer;
      readonly quiesce: Quiesce;
    };

export interface Observed {
  readonly checkpoint: DynamoCheckpoint;
  readonly hash: string;
  /** What spec and annotations ask for now. */
  readonly key: string;
  /** What was asked for last; absent on a checkpoint that is new. */
  readonly request?: CaptureRequest;
  /** The checkpoint of the namespace that has the identity already. */
  readonly owner?: { readonly name: string; readonly image: Image };
  readonly image: Image;
  readonly job: JobSeen;
  readonly source: Source;
  /** The assignment of the request. */
  readonly capture?: SnapshotAssignment;
  /** The pod of that assignment is gone, or its containers have ended. */
  readonly captureSourceGone: boolean;
  readonly captureAgent: AgentState;
  /** Every artifact of this checkpoint that may lie in the store. */
  readonly artifacts: readonly HeldArtifact[];
  /** Nodes with a living agent. */
  readonly aliveNodes: readonly string[];
  readonly restores: Restores;
}

export function observe(checkpoint: DynamoCheckpoint, caches: Caches): Observed {
  const { namespace, name, uid } = checkpoint.metadata;
  const hash = hashOf(checkpoint);
  const key = captureKey(checkpoint);
  const request = requestOf(checkpoint, key);
  const job = caches.jobs.get(`${namespace}/${jobName(name, request?.version)}`);
  const pod = sourcePod(checkpoint, caches, job);
  const mine = caches.assignmentsOf.get(uid);
  const captureOf = request && captureName(checkpoint, request);
  const capture = mine.find((a) => a.metadata.name === captureOf);
  const owner = ownerOf(checkpoint, hash, caches);
  return {
    checkpoint,
    hash,
    key,
    image: imageOf(checkpoint, pod),
    job: jobSeen(job, checkpoint),
    source: sourceOf(checkpoint, pod),
    captureSourceGone: capture !== undefined && isGone(capture, caches),
    captureAgent: capture === undefined ? 'absent' : caches.agents.state(capture.spec.nodeName),
    artifacts: heldArtifacts(checkpoint, mine),
    aliveNodes: caches.agents.alive(),
    restores: restoresOf(checkpoint, mine, (a) => !isGone(a, caches)),
    ...(request === undefined ? {} : { request }),
    ...(owner === undefined ? {} : { owner }),
    ...(capture === undefined ? {} : { capture }),
  };
}

/** No digest of a spec. */
const UPSTREAMS = 'upstream';

/**
 * One with an artifact and no request was imported, or captured before requests were written down: it is what its spec asks for. One with a
 * phase and no artifact is upstream's, which counts as a first version of something else: ours is the second, and its job is not taken for
 * upstream's, which has the name of our first one.
 */
function requestOf({ status }: DynamoCheckpoint, key: string): CaptureRequest | undefined {
  if (status?.capture !== undefined) return status.capture;
  if (status?.artifact !== undefined) return { key, version: 1, attempt: 1, outcome: 'Succeeded' };
  return status?.phase === undefined ? undefined : { key: UPSTREAMS, version: 1, attempt: 1 };
}

/** Who has an artifact, or else came first. A leaving checkpoint owns nothing, nor does one that has failed. */
function ownerOf(
  { metadata }: DynamoCheckpoint,
  hash: string,
  { byIdentity, pods }: Caches,
): Observed['owner'] {
  const age = (m: DynamoCheckpoint['metadata']) => `${String(m.creationTimestamp ?? '')} ${m.name}`;
  const other = byIdentity
    .get(identityTerm(metadata.namespace, hash))
    .filter((c) => c.metadata.uid !== metadata.uid && c.metadata.deletionTimestamp === undefined)
    .find(
      ({ status, metadata: m }) =>
        status?.artifact !== undefined || (status?.phase !== 'Failed' && age(m) < age(metadata)),
    );
  if (other === undefined) return undefined;
  const podName = other.spec.source?.podName;
  const pod = podName === undefined ? undefined : pods.get(`${metadata.namespace}/${podName}`);
  return { name: other.metadata.name, image: imageOf(other, pod) };
}

const wantedContainer = ({ source, job }: DynamoCheckpoint['spec']): string | undefined =>
  source?.containerName ?? job?.targetContainerName;

function sourceOf(checkpoint: DynamoCheckpoint, pod: V1Pod | undefined): Source {
  if (pod === undefined) return { state: 'absent' };
  const name = pod.metadata?.name ?? '';
  const containers = pod.spec?.containers ?? [];
  const wanted = targetContainer(containers, wantedContainer(checkpoint.spec));
  const container = containers.find((c) => c.name === wanted);
  if (container === undefined) return { state: 'noContainer', pod: name };
  const target = runningContainer(pod, container.name);
  return target?.ready === true && isReady(pod)
    ? { state: 'ready', pod: name, target, quiesce: quiesceOf(checkpoint, container) }
    : { state: 'waiting', pod: name };
}

const hasEnded = (pod: V1Pod): boolean => isLeaving(pod) || isOver(pod);

function isGone({ metadata, spec }: SnapshotAssignment, { pods }: Caches): boolean {
  const pod = pods.get(`${metadata.namespace}/${spec.pod?.name ?? ''}`);
  return pod?.metadata?.uid !== spec.pod?.uid || pod === undefined || hasEnded(pod);
}

/** Of a selector or a job, the oldest pod that is Ready, or the oldest at all. */
function sourcePod(checkpoint: DynamoCheckpoint, caches: Caches, job: V1Job | undefined): V1Pod | undefined {
  const { metadata, spec } = checkpoint;
  const { namespace } = metadata;
  if (spec.source?.podName !== undefined) {
    const pod = caches.pods.get(`${namespace}/${spec.source.podName}`);
    return pod === undefined || hasEnded(pod) ? undefined : pod;
  }
  const wanted = spec.source?.selector?.matchLabels ?? jobPods(checkpoint, job);
  if (wanted === undefined) return undefined;
  const matching = caches.podsBy
    .get(podTerm(namespace, wanted))
    .filter((p) => !hasEnded(p))
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
  return job === undefined || uid === undefined || !ownedBy(job, checkpoint)
    ? undefined
    : { [JOB_UID_LABEL]: uid };
}
