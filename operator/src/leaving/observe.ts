/** An assignment and its pod, from the caches. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { isFinal } from '@dynamo-snapshot/api/assignment';
import type { Caches } from '../parts';

export interface Observed {
  readonly over: boolean;
  readonly cancelled: boolean;
  /** Of the very pod that was assigned, not of one that has its name now; none: the work needs no pod. */
  readonly pod: 'none' | 'there' | 'leaving' | 'gone';
}

export const observe = ({ metadata, spec, status }: SnapshotAssignment, { pods }: Caches): Observed => ({
  over: isFinal(status?.phase),
  cancelled: spec.cancelled === true,
  pod:
    spec.pod === undefined
      ? 'none'
      : podState(spec.pod.uid, pods.get(`${metadata.namespace}/${spec.pod.name}`)),
});

function podState(uid: string, pod: ReturnType<Caches['pods']['get']>): Observed['pod'] {
  if (pod?.metadata?.uid !== uid) return 'gone';
  return pod.metadata.deletionTimestamp === undefined ? 'there' : 'leaving';
}
