import { makeMetrics } from '@dynamo-snapshot/controller/metrics';
import type { Metrics } from '@dynamo-snapshot/controller/metrics';
import { Registry } from 'prom-client';
import { Agents } from '../src/assignment/agents';
import { restoreOutcomes } from '../src/checkpoint/restores';
import { beginAtZero, setGauges } from '../src/gauges';
import { assignment, checkpoint, NOW, pod } from './objects';

const agents = new Agents({ now: () => NOW });
agents.see('ADDED', pod('agent'));
const artifact = {
  uid: 'u',
  digest: `sha256:${'d'.repeat(64)}`,
  sizeBytes: 7,
  size: '7',
  version: 1,
} as const;
const seen = {
  checkpoints: [checkpoint({ status: { phase: 'Ready', artifact } }), checkpoint()],
  assignments: [assignment('open'), assignment('over', { phase: 'Succeeded' })],
  agents,
};

/** Over all replicas, as a panel of the dashboard adds them. */
async function sums(replicas: readonly Metrics[]): Promise<Readonly<Record<string, number>>> {
  const of = async (name: keyof Metrics) => {
    const got = await Promise.all(replicas.map((metrics) => metrics[name].get()));
    return got.flatMap(({ values }) => values).reduce((sum, { value }) => sum + value, 0);
  };
  const names = [
    'checkpoints',
    'artifacts',
    'artifactBytes',
    'openAssignments',
    'agents',
    'leading',
  ] as const;
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await of(name)] as const)));
}

const replica = () => makeMetrics(new Registry(), 'operator');
const once = { checkpoints: 2, artifacts: 1, artifactBytes: 7, openAssignments: 1, agents: 1, leading: 1 };

it('what is there is told once, however many replicas see it', async () => {
  const [leader, other] = [replica(), replica()];
  setGauges(leader, true, seen);
  setGauges(other, false, seen);
  expect(await sums([leader, other])).toEqual(once);
});

it('a replica that leads no more leaves the telling to the next one', async () => {
  const [first, next] = [replica(), replica()];
  setGauges(first, true, seen);
  setGauges(first, false, seen);
  setGauges(next, true, seen);
  expect(await sums([first, next])).toEqual(once);
  expect((await first.checkpoints.get()).values).toEqual([]);
});

it('restores are counted from zero, so that the first of each outcome is seen to grow', async () => {
  const metrics = replica();
  beginAtZero(metrics);
  const { values } = await metrics.restores.get();
  expect(values).toEqual(restoreOutcomes.map((outcome) => ({ labels: { outcome }, value: 0 })));
});
