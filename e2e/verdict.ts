/** How soon a placeholder that is not restored starts its own command. */
import { secondsBetween } from '@dynamo-snapshot/api/time';
import type { PodStatus, World } from './world';

interface Given {
  readonly spec: { readonly operation: string; readonly pod?: { readonly uid: string } };
  readonly status?: {
    readonly startedAt?: string;
    readonly timings?: readonly { readonly step: string; readonly seconds: number }[];
  };
}

/**
 * Seconds until standby was told to run the command: from the verdict of the agent, as it has timed it; or from when it took the order of
 * the operator.
 */
export async function coldAfterVerdict(world: World, pod: string): Promise<number> {
  const { uid } = (await world.kube.get<PodStatus>('pod', pod)).metadata;
  const all = await world.kube.list<Given>('snapshotassignments');
  const given = all.filter(({ spec }) => spec.pod?.uid === uid);
  const verdict = given.find(({ spec }) => spec.operation === 'ColdStart') ?? given.at(-1);
  const step = verdict?.spec.operation === 'ColdStart' ? 'total' : 'fall back';
  const seconds = verdict?.status?.timings?.find((t) => t.step === step)?.seconds ?? Number.NaN;
  const log = await world.kube.run(['logs', pod, '-c', 'main', '--timestamps']);
  const line = log.split('\n').find((text) => text.includes('standby: starting cold')) ?? '';
  const since = secondsBetween(verdict?.status?.startedAt ?? '', line.split(' ')[0] ?? '');
  console.error(`${pod}: cold ${seconds} s after the verdict, ${since.toFixed(2)} s after the agent began`);
  return seconds;
}
