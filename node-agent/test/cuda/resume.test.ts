import { cudaStop } from '../../src/cuda/stop';
import { until } from '../assignment/stage';
import { Stage } from './stage';

jest.setTimeout(60_000);

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

it.each([
  ['side by side where the driver takes that', '580.159.04', true],
  ['one after the other with an older one', '575.57.08', false],
  ['one after the other where the driver is not known', '', false],
])('gives processes back %s', async (_, driver, atOnce) => {
  const [a, b] = [stage.process('running'), stage.process('running')];
  const gpu = await cudaStop({ processes: [a, b], bytes: 0, driver }, stage.io);
  stage.will(`slow-restore-${a.pid}`, 1000);
  const back = gpu.resume();
  await until(() => stage.state(b) !== 'checkpointed');
  expect(stage.state(a) === 'checkpointed').toBe(atOnce);
  await back;
  expect([stage.state(a), stage.state(b)]).toEqual(['running', 'running']);
});

it('tells what of the stand-still is used up: since the first lock, and what giving back will take', async () => {
  const a = stage.process('running');
  stage.will('slow-checkpoint', 300);
  const gpu = await cudaStop({ processes: [a], bytes: 10e9, driver: '580.159.04' }, stage.io);
  expect(gpu.spentSeconds()).toBeGreaterThan(2.3);
  expect(gpu.spentSeconds()).toBeLessThan(30);
  await gpu.resume();
  expect((await cudaStop({ processes: [], bytes: 0, driver: '' }, stage.io)).spentSeconds()).toBe(0);
});
