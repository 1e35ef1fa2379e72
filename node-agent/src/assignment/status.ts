/** The status that an agent writes; pure. Server-side apply takes away what is left out, so it is always the whole. */
import type { AssignmentStatus } from '@dynamo-snapshot/api/assignment';
import { AWAITS_CONTAINER } from '@dynamo-snapshot/api/assignment';
import { unreachable } from '@dynamo-snapshot/api/errors';
import { progressOf } from '@dynamo-snapshot/api/progress';
import { iso, isoSeconds } from '@dynamo-snapshot/api/time';
import type { Instant } from '@dynamo-snapshot/api/time';
import type { Outcome, Result } from '../engine';
import type { StatusFile } from '../journal/entry';

/** Its container has not been started yet. */
export const waitingStatus = (): AssignmentStatus => ({
  phase: 'Pending',
  step: AWAITS_CONTAINER,
  progress: progressOf({ step: AWAITS_CONTAINER }),
});

export const runningStatus = (
  startedAt: Instant,
  now: Instant,
  file: StatusFile | undefined,
): AssignmentStatus => {
  const progress = file?.progress ?? progressOf({ step: 'begin' });
  return {
    phase: 'Running',
    step: progress.step,
    progress,
    startedAt: iso(startedAt),
    heartbeatTime: isoSeconds(now),
    timings: (file?.timings ?? []).map((t) => ({ ...t })),
  };
};

/** Without `startedAt`: it was never begun. */
export function finalStatus(
  startedAt: Instant | undefined,
  now: Instant,
  outcome: Outcome,
): AssignmentStatus {
  const times = {
    ...(startedAt === undefined ? {} : { startedAt: iso(startedAt) }),
    finishedAt: iso(now),
  };
  if (!outcome.ok) {
    const phase = outcome.cancelled ? ('Cancelled' as const) : ('Failed' as const);
    return {
      ...times,
      phase,
      step: 'failed',
      progress: progressOf({ step: 'failed' }),
      reason: outcome.reason,
      message: outcome.message.slice(0, 4000),
      ...(outcome.timings === undefined ? {} : { timings: outcome.timings.map((t) => ({ ...t })) }),
      ...(outcome.fellBack === undefined ? {} : { fellBack: outcome.fellBack }),
    };
  }
  const timings = outcome.result.timings.map((t) => ({ ...t }));
  const done = {
    ...times,
    phase: 'Succeeded' as const,
    step: 'done',
    progress: progressOf({ step: 'done' }),
    timings,
  };
  return { ...done, ...factsOf(outcome.result) };
}

function factsOf(result: Result): AssignmentStatus {
  switch (result.operation) {
    case 'Capture': {
      const { nodeName, architecture, kernel, criuVersion, image, imageDigest, command } = result.source;
      const { cpuModel = '', cpuFeatures = [] } = result.source;
      const cpu = { cpuModel, cpuFeatures: [...cpuFeatures] };
      return {
        artifact: { digest: result.artifactDigest, sizeBytes: result.sizeBytes },
        source: {
          nodeName,
          architecture,
          kernel,
          criuVersion,
          image,
          imageDigest,
          ...cpu,
          command: [...command],
        },
      };
    }
    case 'Restore':
      return { receipt: result.receipt };
    case 'Delete':
    case 'Retain':
    case 'ColdStart':
    case 'Fail':
      return {};
    default:
      return unreachable(result);
  }
}
