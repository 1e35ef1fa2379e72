/** The end of an assignment is told and counted once, however late the cache learns of it. */
import { makeMetrics } from '@dynamo-snapshot/controller/metrics';
import { Registry } from 'prom-client';
import type { Applier } from '../../src/assignment/apply';
import { beginAtZero } from '../../src/assignment/measure';
import { Stage } from './stage';
/** Programs are started, and a machine may be busy. */
jest.setTimeout(60_000);

let stage: Stage;

beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.dispose());

/** A step with what the cache knew before the last write; what was written is in the object again afterwards. */
async function stepBehind(agent: Applier): Promise<string> {
  const { status, ...before } = stage.assignment;
  stage.assignment = before;
  const done = await stage.step(agent);
  stage.assignment = { ...stage.assignment, ...(status ? { status } : {}) };
  return done;
}

const counted = async () =>
  (await stage.metrics.operations.get()).values.map(({ labels, value }) => [labels['outcome'], value]);

it('of an operation that was woken while its end was being written', async () => {
  stage.mode('quick');
  const agent = stage.applier();
  await stage.step(agent);
  await stage.hasEnded();
  expect([await stage.step(agent), await stepBehind(agent)]).toEqual(['finish', 'finish']);
  expect(stage.written.map((s) => s.phase)).toEqual(['Running', 'Succeeded']);
  expect(await counted()).toEqual([['succeeded', 1]]);
  stage.emptyGroup();
  expect([await stage.step(agent), stage.entry.exists]).toEqual(['forget', false]);
});

it('of one whose end the API server did not take at first', async () => {
  stage.mode('quick');
  const agent = stage.applier();
  await stage.step(agent);
  await stage.hasEnded();
  const told = jest.spyOn(stage.api, 'applyStatus').mockRejectedValueOnce(new Error('503'));
  await expect(stage.step(agent)).rejects.toThrow('503');
  expect(await counted()).toEqual([]);
  expect(await stage.step(agent)).toBe('finish');
  told.mockRestore();
  expect(await counted()).toEqual([['succeeded', 1]]);
});

it.each([
  ['could not be begun', { deadlineSeconds: 0 }, 'start', 'failed'],
  ['was cancelled before it was begun', { cancelled: true }, 'refuse', 'cancelled'],
])('of one that %s, and it is not begun after that', async (_, change, plan, outcome) => {
  stage.change(change);
  const agent = stage.applier();
  expect([await stage.step(agent), await stepBehind(agent)]).toEqual([plan, plan]);
  expect(stage.written).toHaveLength(1);
  expect(await counted()).toEqual([[outcome, 1]]);
  expect(await stage.step(agent)).toBe('nothing');
});

it('steps that alerts look at are counted from zero, so that the first of a node is seen to grow', async () => {
  const registry = new Registry();
  beginAtZero(makeMetrics(registry, 'agent'));
  const text = await registry.metrics();
  expect(text).toContain('dynamo_snapshot_step_seconds_count{operation="Capture",step="paused"} 0');
  expect(text).toContain('dynamo_snapshot_step_seconds_count{operation="Restore",step="total"} 0');
});
