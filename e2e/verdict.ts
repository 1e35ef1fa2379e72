/** How soon a placeholder that is not restored starts its own command. */
import { secondsBetween } from '@dynamo-snapshot/api/time';
import type { PodStatus, World } from './world';

interface Given {
  readonly spec: { readonly operation: string; readonly pod?: { readonly uid: string } };
  readonly status?: { readonly startedAt?: string };
}

/**
 * Seconds until standby was told to run the command: after the agent had begun with the operator's order; or after it had begun with the
 * restore, which is before its own verdict.
 */
export async function coldAfterVerdict(world: World, pod: string): Promise<number> {
  const log = await world.kube.run(['logs', pod, '-c', 'main', '--timestamps']);
  const line = log.split('\n').find((text) => text.includes('standby: starting cold')) ?? '';
  const { uid } = (await world.kube.get<PodStatus>('pod', pod)).metadata;
  const all = await world.kube.list<Given>('snapshotassignments');
  const given = all.filter(({ spec }) => spec.pod?.uid === uid);
  const verdict = given.find(({ spec }) => spec.operation === 'ColdStart') ?? given.at(-1);
  const seconds = secondsBetween(verdict?.status?.startedAt ?? '', line.split(' ')[0] ?? '');
  console.error(`${pod}: cold ${seconds.toFixed(2)} s after ${verdict?.spec.operation} began`);
  return seconds;
}
