import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../../controller/test/until';
import { assignments, Cluster } from '../../src/cluster/cluster';
import { refusalOf } from '../../src/cluster/refusal';
import { assignment } from '../objects';
import { Stage } from '../stage';

const what = assignments('team-b');

describe('a wait', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = new Stage();
    await stage.open();
  });
  afterEach(() => stage.close());
  const follow = () =>
    new Cluster(stage.server.config).follow(what, AbortSignal.timeout(20_000), (list) => list[0]);

  it.each([
    [401, 'the API server does not know who asks (401): log in again'],
    [403, 'the right to do so is missing (403): ask for the verbs list and watch'],
    [404, 'the API server does not know them (404): install the chart'],
  ])('ends with what is missing where its list is answered %d', async (code, why) => {
    stage.server.failNext('GET', code);
    await expect(follow()).rejects.toThrow(`list snapshotassignments.nvidia.com in namespace team-b: ${why}`);
    expect(stage.server.lists()).toBe(1);
  });

  it('ends with what is missing where it may list, but not watch', async () => {
    const followed = follow();
    followed.catch(() => {});
    await until('it watches', () => stage.server.watches === 1);
    stage.server.failNext('GET', 403);
    stage.server.endWatches();
    await expect(followed).rejects.toThrow(
      'watch snapshotassignments.nvidia.com in namespace team-b: the right to do so is missing (403)',
    );
  });

  it('goes on after what passes', async () => {
    stage.server.failNext('GET', 503);
    const followed = follow();
    await sleep(100);
    stage.server.store.create('apis/nvidia.com/v1alpha1/snapshotassignments', 'team-b', {
      ...assignment('r'),
      metadata: { name: 'r' },
    } as never);
    expect(await followed).toMatchObject({ metadata: { name: 'r' } });
  });
});

it('a refusal of pods of all namespaces is told as such', () => {
  const error = Object.assign(new Error('Forbidden'), { statusCode: 403 });
  expect(refusalOf(error, { group: '', version: 'v1', plural: 'pods' })?.message).toBe(
    'watch pods in all namespaces: the right to do so is missing (403): ask for the verbs list and watch',
  );
});
