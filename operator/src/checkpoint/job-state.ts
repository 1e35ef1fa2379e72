/** What has become of a checkpoint's job, in words for a person; pure. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { checkpointDefaults } from '@dynamo-snapshot/api/checkpoint';
import { reason } from '@dynamo-snapshot/api/names';
import type { V1Job } from '@kubernetes/client-node';

/** foreign: of its name, but made for something else, such as a deleted checkpoint of the same name. */
export type JobState = 'absent' | 'foreign' | 'active' | 'complete' | 'failed';

export interface JobSeen {
  readonly state: JobState;
  /** Of a job that has ended: why its worker was not captured, and what to do about it. */
  readonly ended?: { readonly reason: string; readonly message: string };
}

export const ownedBy = (job: V1Job, { metadata }: DynamoCheckpoint): boolean =>
  job.metadata?.ownerReferences?.some((o) => o.uid === metadata.uid) === true;

export function jobSeen(job: V1Job | undefined, checkpoint: DynamoCheckpoint): JobSeen {
  if (job === undefined) return { state: 'absent' };
  if (!ownedBy(job, checkpoint)) return { state: 'foreign' };
  const is = (type: string) => job.status?.conditions?.find((c) => c.type === type && c.status === 'True');
  const name = job.metadata?.name ?? '';
  const failed = is('Failed');
  if (failed !== undefined)
    return { state: 'failed', ended: whyFailed(name, failed.reason, job, checkpoint) };
  if (is('Complete') === undefined) return { state: 'active' };
  const message = `job ${name} ended well, but its worker was never ready to be captured: it must wait for its capture`;
  return { state: 'complete', ended: { reason: reason.jobFailed, message } };
}

function whyFailed(
  name: string,
  why: string | undefined,
  job: V1Job,
  { spec }: DynamoCheckpoint,
): NonNullable<JobSeen['ended']> {
  if (why === 'DeadlineExceeded') {
    const seconds = spec.job?.activeDeadlineSeconds ?? checkpointDefaults.activeDeadlineSeconds;
    const message = `job ${name} was not done after ${seconds} s; if loading needs longer, raise spec.job.activeDeadlineSeconds`;
    return { reason: reason.jobDeadlineExceeded, message };
  }
  const pods = job.status?.failed ?? 0;
  const message = `job ${name} gave up after ${pods} failed pod${pods === 1 ? '' : 's'} (${why ?? 'Failed'}); their logs say why, spec.job.backoffLimit how often it tries`;
  return { reason: reason.jobFailed, message };
}
