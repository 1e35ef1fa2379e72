/**
 * Ends what nobody else would end: an assignment whose agent or node is gone (docs/adr/0030). While the agent lives, it is the
 * agent that says how an assignment ends; pure and total.
 */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { isFinal } from '@dynamo-snapshot/api/assignment';
import { reason } from '@dynamo-snapshot/api/names';
import type { Instant } from '@dynamo-snapshot/api/time';
import type { AgentState } from './agents';

export interface Observed {
  readonly assignment: SnapshotAssignment;
  readonly agent: AgentState;
  /** Milliseconds for which its pod has not been Ready; infinite where it has none. */
  readonly silenceMs: number;
  readonly lostAfterMs: number;
}

export type Plan =
  | { readonly do: 'nothing'; readonly requeueAfterMs?: number }
  | {
      readonly do: 'end';
      readonly phase: 'Failed' | 'Cancelled';
      readonly reason: string;
      readonly message: string;
    };

/** An agent ends its operations at their deadline itself; this is for one that cannot. */
const LATE_MS = 60_000;

export function decide(seen: Observed, now: Instant): Plan {
  const { phase } = seen.assignment.status ?? {};
  if (isFinal(phase)) return { do: 'nothing' };
  return phase === 'Running' ? decideRunning(seen, now) : decideUntaken(seen, now);
}

const since = (time: unknown, now: Instant): number => {
  const at = time === undefined ? Number.NaN : new Date(time as string).getTime();
  return Number.isNaN(at) ? 0 : now - at;
};

function decideRunning({ assignment, agent, silenceMs, lostAfterMs }: Observed, now: Instant): Plan {
  const { spec, status } = assignment;
  const { nodeName, deadlineSeconds, operation } = spec;
  const late = since(status?.startedAt, now) - deadlineSeconds * 1000 - LATE_MS;
  if (agent === 'alive') {
    if (late <= 0) return { do: 'nothing', requeueAfterMs: Math.min(-late + 1, lostAfterMs) };
    return failed(
      reason.deadlineExceeded,
      `the agent of node ${nodeName} has not ended it ${deadlineSeconds} s after its start`,
    );
  }
  const lost = Math.min(silenceMs, since(status?.heartbeatTime ?? status?.startedAt, now)) - lostAfterMs;
  if (lost <= 0) return { do: 'nothing', requeueAfterMs: -lost + 1 };
  const message = `nothing was heard of node ${nodeName} for ${lostAfterMs / 1000} s while it did the ${operation.toLowerCase()}`;
  return failed(reason.nodeLost, message);
}

/** An agent that left in good order has not taken it; one that fell silent may have, and could not say so. */
function decideUntaken({ assignment, agent, silenceMs, lostAfterMs }: Observed, now: Instant): Plan {
  const { metadata, spec } = assignment;
  const { nodeName, deadlineSeconds, cancelled } = spec;
  const age = since(metadata.creationTimestamp, now);
  if (cancelled === true && agent !== 'alive') {
    const left = agent === 'absent' ? 0 : lostAfterMs - silenceMs;
    if (left > 0) return { do: 'nothing', requeueAfterMs: left };
    return {
      do: 'end',
      phase: 'Cancelled',
      reason: reason.cancelled,
      message: 'cancelled before an agent took it',
    };
  }
  // Its container has not started, and may have to wait for its image; then the pod's own controller looks after it, and it goes with the pod.
  if (spec.operation === 'Restore' && spec.container?.id === undefined) return { do: 'nothing' };
  const left = deadlineSeconds * 1000 - age;
  if (left > 0) return { do: 'nothing', requeueAfterMs: left };
  return agent === 'alive'
    ? failed(
        reason.deadlineExceeded,
        `the agent of node ${nodeName} did not take it within ${deadlineSeconds} s`,
      )
    : failed(
        reason.agentMissing,
        `no snapshot agent took it on node ${nodeName} within ${deadlineSeconds} s`,
      );
}

const failed = (why: string, message: string): Plan => ({ do: 'end', phase: 'Failed', reason: why, message });
