/** Follows a pod that is to be restored, until the operator has said how that ended. */
import type { V1Pod } from '@kubernetes/client-node';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { humanSeconds } from '@dynamo-snapshot/api/quantity';
import { assignments, podNamed } from '../cluster/cluster';
import { exitCode } from '../exit';
import { operationLine, operationOf } from '../operations/operation';
import type { SeenRestore, Verdict } from '../operations/restored';
import { lastAttempt, verdictOf, waitingFor } from '../operations/restored';
import type { Live } from '../output/output';
import type { Session } from '../session';
import { timingsLine } from './wait';

interface Followed {
  /** Undefined where the waiting was ended. */
  readonly verdict: Verdict | undefined;
  readonly seen: SeenRestore;
}

export async function waitForRestore(session: Session, pod: V1Pod, timeout: number): Promise<number> {
  const { out, err, clock, signal } = session.world;
  const name = pod.metadata?.name ?? '';
  const live = out.live();
  const started = clock.now();
  const stop = AbortSignal.any([signal, AbortSignal.timeout(timeout * 1000)]);
  const { verdict, seen } = await follow(session, pod, stop, live).finally(() => live.done());
  if (verdict === undefined) {
    const why = signal.aborted ? 'interrupted' : `not restored within ${humanSeconds(timeout)}`;
    const said = waitingFor(seen);
    const last = said === undefined ? '' : ` (${said})`;
    err.write(`${why}${last}; the pod stays: kubectl describe pod ${name}\n`);
    return signal.aborted ? exitCode.interrupted : exitCode.timedOut;
  }
  if (!verdict.ok) {
    err.write(`pod ${name} was not restored: ${verdict.why}\n`);
    return exitCode.operationFailed;
  }
  const took = humanSeconds((clock.now() - started) / 1000);
  out.write(`restored in ${took}: ${timingsLine(lastAttempt(seen.assignments)?.status?.timings ?? [])}\n`);
  return exitCode.ok;
}

/** Pod and assignments are watched together; whichever completes the picture ends both. */
async function follow(session: Session, pod: V1Pod, stop: AbortSignal, live: Live): Promise<Followed> {
  const { namespace, cluster } = session;
  const { name = '', uid } = pod.metadata ?? {};
  const enough = new AbortController();
  const until = AbortSignal.any([stop, enough.signal]);
  let seen: SeenRestore = { assignments: [] };
  const judge = (more: Partial<SeenRestore>) => verdictOf((seen = { ...seen, ...more }));
  const both = [
    cluster.follow<SnapshotAssignment, Verdict>(assignments(namespace), until, (list) => {
      const mine = list.filter((a) => a.spec.pod?.uid === uid);
      draw(session, lastAttempt(mine), live);
      return judge({ assignments: mine });
    }),
    cluster.follow<V1Pod, Verdict>(podNamed(namespace, name), until, (list) =>
      judge({ pod: list.find((p) => p.metadata?.uid === uid) ?? null }),
    ),
  ];
  try {
    return { verdict: await Promise.race(both), seen };
  } finally {
    enough.abort();
    await Promise.allSettled(both);
  }
}

/** A log is told the step, without its bytes. */
function draw({ world }: Session, attempt: SnapshotAssignment | undefined, live: Live): void {
  if (attempt === undefined) return;
  const { out, clock } = world;
  const look = { colours: out.colours, bars: out.isTerminal };
  const operation = operationOf(attempt);
  const { step } = operation.progress ?? {};
  const told =
    step === undefined || operation.phase !== 'Running'
      ? operation
      : { ...operation, progress: { step, summary: step } };
  live.draw([operationLine(operation, clock.now(), look)], [operationLine(told, clock.now(), look)]);
}
