/** What is wrong with a cluster, in words, and what to do about it; pure. */
import type { V1Deployment } from '@kubernetes/client-node';
import type { Check, CheckName } from '@dynamo-snapshot/api/doctor';
import { checks } from '@dynamo-snapshot/api/doctor';
import { humanSeconds } from '@dynamo-snapshot/api/quantity';
import { decideAgents } from './agents';
import type { Seen, SeenCluster, SeenReport } from './observe';
import { decideStorage } from './storage';
import { decideWebhook } from './webhook';

/** A check, and where it was made: the cluster, or a node. */
export interface Finding extends Check {
  readonly where: string;
}

export const CLUSTER = 'cluster';

export type Said = Omit<Finding, 'check'>;
export const ok = (message: string, where = CLUSTER): Said => ({ result: 'ok', message, where });
export const problem = (message: string, remedy: string, where = CLUSTER): Said => ({
  result: 'problem',
  message,
  remedy,
  where,
});
export const unknown = (message: string, where = CLUSTER): Said => ({ result: 'unknown', message, where });

const all = (check: CheckName, said: readonly Said[]): readonly Finding[] =>
  said.map((s) => ({ check, ...s }));

export const decide = (seen: SeenCluster, now: number): readonly Finding[] => [
  ...all(checks.definitions, [definitions(seen)]),
  ...all(checks.operator, decideOperators(seen)),
  ...all(checks.webhook, decideWebhook(seen, now)),
  ...all(checks.agents, decideAgents(seen)),
  ...all(checks.storage, decideStorage(seen)),
  ...all(checks.clock, clocks(seen)),
  ...nodeFindings(seen),
];

function definitions({ checkpoints }: SeenCluster): Said {
  if ('value' in checkpoints) return ok(`DynamoCheckpoint is known; ${checkpoints.value.length} of them`);
  if (/not found|404/i.test(checkpoints.unknown))
    return problem(
      'the cluster does not know DynamoCheckpoint',
      'install the chart, or kubectl apply -f crds/',
    );
  return unknown(checkpoints.unknown);
}

function decideOperators({ operators }: SeenCluster): readonly Said[] {
  if ('unknown' in operators) return [unknown(operators.unknown)];
  if (operators.value.length === 0)
    return [
      problem('there is no operator', 'install the chart: helm install snapshot charts/dynamo-snapshot'),
    ];
  return operators.value.map(ofOperator);
}

function ofOperator({ metadata, status }: V1Deployment): Said {
  const { name, namespace } = metadata ?? {};
  const ready = status?.readyReplicas ?? 0;
  if (ready > 0) return ok(`${ready} of operator ${namespace}/${name} ready`);
  return problem(
    `operator ${namespace}/${name} has no replica that is ready: nothing is captured or restored`,
    `kubectl --namespace ${namespace} describe deployment ${name}, and its pods' logs`,
  );
}

/** Heartbeats, deadlines and tokens are compared across machines; seconds do no harm. */
const CLOCK_TOLERANCE_MS = 5000;

function clocks({ reports }: SeenCluster): readonly Said[] {
  const known = [...reports.values()].flatMap((r) => ('value' in r ? [r.value] : []));
  const apart = known.map(({ clockAheadMs }) => clockAheadMs);
  const middle = median([0, ...apart]);
  return known.map(({ report: { nodeName }, clockAheadMs }) => {
    const off = clockAheadMs - middle;
    if (Math.abs(off) <= CLOCK_TOLERANCE_MS) return ok('its clock agrees with the others', nodeName);
    const words = `its clock is ${humanSeconds(Math.abs(off) / 1000)} ${off > 0 ? 'ahead' : 'behind'}`;
    return problem(
      words,
      'set the clock by NTP (chrony, systemd-timesyncd): heartbeats, deadlines and tokens depend on it',
      nodeName,
    );
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

const nodeFindings = ({ reports }: SeenCluster): readonly Finding[] =>
  [...reports].flatMap(([pod, seen]) => nodeFinding(pod, seen));

function nodeFinding(pod: string, seen: Seen<SeenReport>): readonly Finding[] {
  if ('value' in seen)
    return seen.value.report.checks.map((c) => ({ ...c, where: seen.value.report.nodeName }));
  const why = `agent pod ${pod} could not be asked about its node: ${seen.unknown}`;
  return [{ check: checks.agents, ...unknown(why) }];
}
