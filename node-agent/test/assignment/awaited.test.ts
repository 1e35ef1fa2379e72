import type { AssignmentSpec } from '@dynamo-snapshot/api/assignment';
import { containerId } from '../../src/linux/ids';
import { Awaited } from '../../src/assignment/awaited';
import type { First } from '../../src/runtime/starts';
import { Stage } from './stage';

/** Programs are started, and a machine may be busy. */
jest.setTimeout(60_000);

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.dispose());

describe('a restore into a container that has not started', () => {
  const restore = {
    operation: 'Restore',
    pod: { name: 'p', uid: 'pod-uid' },
    container: { name: 'main' },
  } as const;
  const pod = {
    metadata: { name: 'p', namespace: 'team', uid: 'pod-uid' },
    spec: { nodeName: 'node-a', containers: [{ name: 'main' }] },
  };
  beforeEach(() => {
    stage.change(restore);
    stage.mode('quick');
    jest.spyOn(stage.api, 'getPod').mockResolvedValue(pod);
  });

  it('waits, says so once, and looks again whenever a container is made or starts', async () => {
    const agent = stage.applier();
    expect([await stage.step(agent), await stage.step(agent)]).toEqual(['start', 'start']);
    expect(stage.written).toMatchObject([{ phase: 'Pending', step: 'await container' }]);
    expect(stage.requeue).toEqual({ requeueAfterMs: 1000 });
    expect(stage.entry.exists).toBe(false);
    stage.told?.();
    expect(stage.wakes).toBe(1);
  });

  it('begins when the container has started, with the addresses that the runtime gave to the pod', async () => {
    const agent = stage.applier();
    await stage.step(agent);
    stage.first = { id: containerId('ab'.repeat(32)), ips: ['10.0.0.9', 'fd00::9'] };
    await stage.step(agent);
    expect(stage.entry.operation().request).toMatchObject({
      containerId: 'ab'.repeat(32),
      pod: { ip: '10.0.0.9', ips: ['10.0.0.9', 'fd00::9'] },
    });
    expect(stage.told).toBeUndefined();
    await stage.hasEnded();
  });

  it('says that it came too late for the first container', async () => {
    stage.first = 'over';
    await stage.step(stage.applier());
    expect(stage.written).toMatchObject([{ phase: 'Failed', reason: 'ContainerGone' }]);
    expect(stage.told).toBeUndefined();
  });

  it.each<[string, Partial<AssignmentSpec>, boolean]>([
    ['is withdrawn', {}, true],
    ['is cancelled', { cancelled: true }, false],
  ])('waits no longer when it %s', async (_, change, isGone) => {
    const agent = stage.applier();
    await stage.step(agent);
    expect(stage.told).toBeDefined();
    stage.change({ ...restore, ...change });
    await stage.step(agent, isGone);
    expect(stage.told).toBeUndefined();
    expect(stage.entry.exists).toBe(false);
  });
});

it.each<readonly [string, First, readonly string[], number]>([
  ['no sandbox yet', 'not yet', [], 1000],
  ['its sandbox, or other containers', 'near', ['team/a'], 1000],
  ['the container, which is about to start', 'about to', ['team/a'], 20],
])('has an engine ready where a pod has %s', async (_, first, started, waitMs) => {
  const engines: string[] = [];
  const ready = { start: (key: string) => void engines.push(key), drop: () => {} };
  const runtime = {
    firstContainer: () => Promise.resolve(first),
    followStarts: () => Promise.resolve(() => {}),
  };
  const pod = { name: 'p', uid: 'pod-uid' };
  const spec = { ...stage.assignment.spec, pod, container: { name: 'main' } };
  expect(await new Awaited(runtime, ready, () => {}).look('team/a', spec)).toEqual({ waitMs });
  expect(engines).toEqual(started);
});
