import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AssignmentSpec } from '@dynamo-snapshot/api/assignment';
import { KEY, Stage, UID } from './stage';

let stage: Stage;

beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.dispose());

describe('Applier', () => {
  it('carries an operation from the object to the end, and leaves nothing behind', async () => {
    stage.mode('quick');
    const agent = stage.applier();
    expect(await stage.step(agent)).toBe('start');
    expect(stage.entry.operation()).toMatchObject({
      deadline: stage.now + 60_000,
      assignment: { namespace: 'team', name: 'a', uid: UID },
      request: {
        operation: 'Delete',
        artifactDir: join(stage.dir, 'store', 'team', '0123456789abcdef', UID),
      },
    });
    await stage.hasEnded();
    expect(await stage.step(agent)).toBe('finish');
    stage.emptyGroup();
    expect(await stage.step(agent)).toBe('forget');
    expect(await stage.step(agent)).toBe('nothing');
    expect(stage.written.map((s) => s.phase)).toEqual(['Running', 'Succeeded']);
    expect(stage.written.at(-1)?.startedAt).toBe(new Date(stage.now).toISOString());
    expect(readdirSync(join(stage.dir, 'journal'))).toEqual([]);
    expect(readdirSync(join(stage.dir, 'cgroup', 'memory', 'dynamo-snapshot'))).toEqual([]);
  });

  it('has begun the work before it has told the API server', async () => {
    stage.mode('wait');
    let begun = false;
    const told = jest.spyOn(stage.api, 'applyStatus').mockImplementation(() => {
      begun = stage.entry.process() !== undefined;
      return Promise.resolve();
    });
    await stage.step(stage.applier());
    told.mockRestore();
    expect(begun).toBe(true);
  });

  it('goes on where the API server did not take the status', async () => {
    stage.mode('quick');
    const agent = stage.applier();
    const told = jest.spyOn(stage.api, 'applyStatus').mockRejectedValue(new Error('503'));
    await expect(stage.step(agent)).rejects.toThrow('503');
    await stage.hasResult();
    await expect(stage.step(agent)).rejects.toThrow('503');
    told.mockRestore();
    expect(await stage.step(agent)).toBe('finish');
    expect(stage.written.map((s) => s.phase)).toEqual(['Succeeded']);
  });

  it('writes a changed step at once, an unchanged one not within the second, and a heartbeat after five', async () => {
    const agent = await stage.begin();
    await stage.step(agent);
    expect(stage.written.map((s) => s.step)).toEqual(['begin', 'delete']);
    stage.now += 999;
    await stage.step(agent);
    expect(stage.written).toHaveLength(2);
    stage.now += 4001;
    await stage.step(agent);
    expect(stage.written).toHaveLength(3);
    expect(stage.written[2]?.heartbeatTime).not.toBe(stage.written[1]?.heartbeatTime);
  });

  it('asks a cancelled operation to stop, once, and tells that it was cancelled', async () => {
    const agent = await stage.begin();
    stage.change({ cancelled: true });
    expect(await stage.step(agent)).toBe('cancel');
    await stage.hasResult();
    expect(await stage.step(agent)).toBe('finish');
    expect(stage.written.at(-1)).toMatchObject({ phase: 'Cancelled', reason: 'Cancelled' });
  });

  it('asks an operation to stop whose object is gone, and then forgets it without a word', async () => {
    const agent = await stage.begin();
    const told = stage.written.length;
    expect(await stage.step(agent, true)).toBe('cancel');
    await stage.hasResult();
    stage.emptyGroup();
    expect(await stage.step(agent, true)).toBe('forget');
    expect(stage.written).toHaveLength(told);
    expect(stage.entry.exists).toBe(false);
  });

  it('asks an operation to stop whose deadline has passed', async () => {
    const agent = await stage.begin();
    stage.now += 60_001;
    expect(await stage.step(agent)).toBe('cancel');
    await stage.hasResult();
  });

  it('takes back what died, and says so', async () => {
    stage.mode('die');
    const agent = stage.applier();
    await stage.step(agent);
    await stage.hasEnded();
    expect(await stage.step(agent)).toBe('undo');
    expect(await stage.step(agent)).toBe('finish');
    expect(stage.written.at(-1)).toMatchObject({
      phase: 'Failed',
      reason: 'OperationLost',
      message: 'taken back',
    });
  });

  it('signals nobody where the pid has been recycled', async () => {
    stage.mode('wait');
    const agent = stage.applier();
    await stage.step(agent);
    const real = stage.entry.process();
    if (real === undefined) throw new Error('no process was written down');
    stage.entry.writeProcess({ ...real, startTime: '1' });
    const kill = jest.spyOn(process, 'kill').mockImplementation(() => true);
    stage.change({ cancelled: true });
    await agent.apply({ do: 'cancel' }, { key: KEY, uid: UID, entry: stage.entry });
    const calls = kill.mock.calls.length;
    kill.mockRestore();
    stage.entry.writeProcess(real);
    expect(calls).toBe(0);
  });

  it('refuses what was cancelled before it was begun', async () => {
    stage.change({ cancelled: true });
    expect(await stage.step(stage.applier())).toBe('refuse');
    expect(stage.written).toMatchObject([{ phase: 'Cancelled' }]);
    expect(stage.entry.exists).toBe(false);
  });

  it.each<readonly [string, string, Partial<AssignmentSpec>]>([
    [
      'PodGone',
      'its pod is gone',
      { operation: 'Capture', pod: { name: 'p', uid: 'u' }, container: { name: 'main', id: 'a'.repeat(64) } },
    ],
    ['InvalidSpec', 'its spec is not valid', { deadlineSeconds: 0 }],
    ['InvalidSpec', 'it lacks a pod', { operation: 'Restore' }],
  ])('ends with %s, and begins nothing, where %s', async (reason, _, change) => {
    stage.change(change);
    const agent = stage.applier();
    expect(await stage.step(agent)).toBe('start');
    expect(stage.written).toMatchObject([{ phase: 'Failed', reason }]);
    expect(stage.entry.exists).toBe(false);
    expect(await stage.step(agent)).toBe('nothing');
  });

  it('goes on with what an earlier agent began', async () => {
    await stage.begin();
    const begun = stage.entry.process();
    const next = stage.applier();
    expect(await stage.step(next)).toBe('mirror');
    expect(stage.entry.process()).toEqual(begun);
    expect(stage.written.at(-1)).toMatchObject({ phase: 'Running', step: 'delete' });
    stage.change({ cancelled: true });
    expect(await stage.step(next)).toBe('cancel');
    await stage.hasResult();
    expect(await stage.step(next)).toBe('finish');
  });

  it('takes back what an earlier agent began and what has died since', async () => {
    stage.mode('die');
    await stage.step(stage.applier());
    await stage.hasEnded();
    const next = stage.applier();
    expect([await stage.step(next), await stage.step(next)]).toEqual(['undo', 'finish']);
    stage.emptyGroup();
    expect(await stage.step(next)).toBe('forget');
  });
});
