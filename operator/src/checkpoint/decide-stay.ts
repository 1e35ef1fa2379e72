/** A checkpoint whose capture has ended, well or not: what is left of it is cleared away, what happens to it is counted; pure and total. */
import { isFinal } from '@dynamo-snapshot/api/assignment';
import { condition } from '@dynamo-snapshot/api/names';
import type { Instant } from '@dynamo-snapshot/api/time';
import { decideDisposal } from './disposal';
import type { Observed } from './observe';
import type { EndPlan, Nothing } from './plan';

/** A worker that does not leave by itself after its capture. */
const JOB_GRACE_MS = 60_000;
/** A restore that was decided on what is just being replaced is on its way at most so long. */
const READER_GRACE_MS = 30_000;

type StayPlan = Nothing | EndPlan;

/** The first thing that there is to do; else the soonest time to look again. */
export function decideStay(seen: Observed, now: Instant): StayPlan {
  const plans = [decideStray, decideJobEnd, decideCounts, decideRetired, decideExpiry].map((decide) =>
    decide(seen, now),
  );
  const times = plans.flatMap((p) => (p.do === 'nothing' ? [p.requeueAfterMs ?? Infinity] : []));
  const soonest = Math.min(...times);
  return (
    plans.find((p) => p.do !== 'nothing') ??
    (Number.isFinite(soonest) ? { do: 'nothing', requeueAfterMs: soonest } : NOTHING)
  );
}

const NOTHING: Nothing = { do: 'nothing' };

/** An assignment that was given up before an agent took it must not be taken later. */
function decideStray({ capture }: Observed): StayPlan {
  const stray = capture !== undefined && !isFinal(capture.status?.phase) && capture.spec.cancelled !== true;
  return stray ? { do: 'cancelCapture', capture } : NOTHING;
}

/** A worker that was not captured has nothing more to wait for; its GPU is wanted. */
function decideJobEnd({ job, request, checkpoint: { spec, status } }: Observed, now: Instant): StayPlan {
  if (spec.job === undefined) return NOTHING;
  if (request?.outcome === 'Failed') return job.state === 'active' ? { do: 'endJob' } : NOTHING;
  const told = status?.conditions?.some((c) => c.type === condition.jobCompleted && c.status === 'True');
  if (job.state === 'complete' && told !== true) return { do: 'jobCompleted' };
  if (job.state !== 'active') return NOTHING;
  const left = JOB_GRACE_MS - (status?.createdAt === undefined ? 0 : now - Date.parse(status.createdAt));
  return left > 0 ? { do: 'nothing', requeueAfterMs: left } : { do: 'endJob' };
}

const decideCounts = ({ restores }: Observed): StayPlan =>
  restores.changed || restores.marks.length > 0 ? { do: 'count' } : NOTHING;

function decideRetired({ artifacts, aliveNodes }: Observed, now: Instant): StayPlan {
  for (const artifact of artifacts.filter((a) => !a.current && a.since !== undefined)) {
    const left = READER_GRACE_MS - (now - Date.parse(artifact.since ?? ''));
    if (left > 0) return { do: 'nothing', requeueAfterMs: left };
    const plan = decideDisposal(artifact, 'Delete', aliveNodes, now);
    if (plan === 'done') return { do: 'forget', artifact: artifact.uid };
    if (plan.do !== 'nothing' || plan.requeueAfterMs !== undefined) return plan;
  }
  return NOTHING;
}

/** As a Job's ttlSecondsAfterFinished; restores that are under way end first. */
function decideExpiry({ checkpoint: { spec, status }, artifacts }: Observed, now: Instant): StayPlan {
  const ttl = spec.retention?.ttlSecondsAfterReady;
  if (ttl === undefined || status?.phase !== 'Ready' || status.createdAt === undefined) return NOTHING;
  const left = ttl * 1000 - (now - Date.parse(status.createdAt));
  if (left > 0) return { do: 'nothing', requeueAfterMs: left };
  return artifacts.some((a) => a.readers > 0) ? NOTHING : { do: 'expire' };
}
