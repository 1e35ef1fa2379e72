import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AssignmentSpec } from '@dynamo-snapshot/api/assignment';
import { KEY, Stage, UID } from './stage';
/** Programs are started, and a machine may be busy. */
jest.setTimeout(60_000);

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
    expect(readdirSync(join(stage.dir, 'cgroup', 'memory'))).toEqual([]);
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

  it('writes a changed step at once, but no flood of them, changed progress each second, and else only a heartbeat', async () => {
    const agent = await stage.begin();
    await stage.step(agent);
    expect(stage.requeue).toEqual({ requeueAfterMs: 200 });
    stage.now += 200;
    await stage.step(agent);
    expect(stage.written.map((s) => s.step)).toEqual(['begin', 'delete']);
    const after = async (ms: number) => {
      stage.now += ms;
      await stage.step(agent);
      return stage.written.length;
    };
    expect([await after(999), await after(5000), await after(4000), await after(1)]).toEqual([2, 2, 2, 3]);
    expect(stage.written[2]?.heartbeatTime).not.toBe(stage.written[1]?.heartbeatTime);
    stage.entry.writeStatus({ progress: { step: 'delete', summary: 'delete 50%' }, timings: [] });
    expect([await after(999), await after(1), await after(2000)]).toEqual([3, 4, 4]);
    stage.entry.writeStatus({ progress: { step: 'next', summary: 'next' }, timings: [] });
    expect(await after(0)).toBe(5);
  });

  it('goes on telling that it is alive where the clock jumps, to either side', async () => {
    const agent = await stage.begin();
    await stage.step(agent);
    for (const jump of [-3_600_000, 30_000]) {
      const told = stage.written.length;
      stage.now += jump;
      expect(await stage.step(agent)).toBe('mirror');
      expect(stage.written).toHaveLength(told + 1);
      await stage.step(agent);
      expect(stage.written).toHaveLength(told + 1);
    }
  });

  it('asks a cancelled operation to stop, once, and tells that it was cancelled', async () => {
    const agent = await stage.begin();
    stage.change({ cancelled: true });
    expect(await stage.step(agent)).toBe('stop');
    await stage.hasResult();
    expect(await stage.step(agent)).toBe('finish');
    expect(stage.written.at(-1)).toMatchObject({ phase: 'Cancelled', reason: 'Cancelled' });
  });

  it('asks an operation to stop whose object is gone, and then forgets it without a word', async () => {
    const agent = await stage.begin();
    const told = stage.written.length;
    expect(await stage.step(agent, true)).toBe('stop');
    await stage.hasResult();
    stage.emptyGroup();
    expect(await stage.step(agent, true)).toBe('forget');
    expect(stage.written).toHaveLength(told);
    expect(stage.entry.exists).toBe(false);
  });

  it('asks an operation to stop whose deadline has passed, and says that it failed', async () => {
    const agent = await stage.begin();
    stage.now += 60_001;
    expect(await stage.step(agent)).toBe('stop');
    await stage.hasResult();
    expect(await stage.step(agent)).toBe('finish');
    expect(stage.written.at(-1)).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
  });

  it('keeps the entry until the groups of the operation are gone', async () => {
    stage.mode('quick');
    const agent = stage.applier();
    await stage.step(agent);
    await stage.hasEnded();
    await stage.step(agent);
    const subject = { key: KEY, uid: UID, entry: stage.entry };
    expect(await agent.apply({ do: 'forget' }, subject)).toEqual({ requeueAfterMs: expect.any(Number) });
    expect(stage.entry.exists).toBe(true);
    stage.emptyGroup();
    expect(await agent.apply({ do: 'forget' }, subject)).toBeUndefined();
    expect(stage.entry.exists).toBe(false);
  });

  it('ends with its own reason what could not be started, and leaves nothing behind', async () => {
    const agent = stage.applier();
    rmSync(join(stage.dir, 'cgroup'), { recursive: true });
    writeFileSync(join(stage.dir, 'cgroup'), 'no folder');
    expect(await stage.step(agent)).toBe('start');
    expect(stage.entry.undoSteps()).toEqual([]);
    expect(await stage.step(agent)).toBe('finish');
    expect(stage.written).toMatchObject([{ phase: 'Failed', reason: 'StartFailed' }]);
    expect(stage.written[0]?.message).toContain('ENOTDIR');
    rmSync(join(stage.dir, 'cgroup'));
    mkdirSync(join(stage.dir, 'cgroup'));
    expect(await stage.step(agent)).toBe('forget');
    expect(stage.entry.exists).toBe(false);
  });

  it('takes back what died, and says so', async () => {
    stage.mode('die');
    const agent = stage.applier();
    await stage.step(agent);
    await stage.hasEnded();
    expect(await stage.step(agent)).toBe('recover');
    expect(await stage.step(agent)).toBe('finish');
    expect(stage.written.at(-1)).toMatchObject({
      phase: 'Failed',
      reason: 'OperationLost',
      message: 'taken back',
    });
  });

  it('takes back what died and cannot be read, says so, and keeps it aside when its groups are gone', async () => {
    stage.mode('die');
    const agent = stage.applier();
    await stage.step(agent);
    await stage.hasEnded();
    stage.spoil();
    expect([await stage.step(agent), await stage.step(agent)]).toEqual(['recover', 'finish']);
    expect(stage.written.at(-1)).toMatchObject({ phase: 'Failed', reason: 'OperationLost' });
    expect(await stage.step(agent)).toBe('forget');
    stage.emptyGroup();
    expect(await stage.step(agent)).toBe('forget');
    expect(readdirSync(join(stage.dir, 'journal'))).toEqual([`unreadable-${UID}`]);
    expect(readdirSync(join(stage.dir, 'cgroup', 'memory'))).toEqual([]);
  });

  it('needs no signal to stop an operation', async () => {
    const agent = await stage.begin();
    const kill = jest.spyOn(process, 'kill').mockImplementation(() => true);
    stage.change({ cancelled: true });
    await stage.step(agent);
    const calls = kill.mock.calls.length;
    kill.mockRestore();
    expect(calls).toBe(0);
    await stage.hasResult();
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

  it.each([
    [{ runtimeAnswers: false }, 'does not answer'],
    [{ storeIsThere: false }, 'has gone'],
  ])('begins nothing with %j, and says so', async (away, words) => {
    const container = { name: 'main', id: 'a'.repeat(64) };
    stage.change({ operation: 'Capture', pod: { name: 'p', uid: 'u' }, container });
    await expect(stage.step(Object.assign(stage, away).applier())).rejects.toThrow(words);
    expect([stage.written, stage.entry.exists]).toEqual([[], false]);
  });

  it('takes up what an earlier agent began', async () => {
    await stage.begin();
    const begun = stage.entry.process();
    const next = stage.applier();
    expect(await stage.step(next)).toBe('mirror');
    expect(stage.entry.process()).toEqual(begun);
    expect(stage.written.at(-1)).toMatchObject({ phase: 'Running', step: 'delete' });
    stage.change({ cancelled: true });
    expect(await stage.step(next)).toBe('stop');
    await stage.hasResult();
    expect(await stage.step(next)).toBe('finish');
  });

  it('takes back what an earlier agent began and what has died since', async () => {
    stage.mode('die');
    await stage.step(stage.applier());
    await stage.hasEnded();
    const next = stage.applier();
    expect([await stage.step(next), await stage.step(next)]).toEqual(['recover', 'finish']);
    stage.emptyGroup();
    expect(await stage.step(next)).toBe('forget');
  });
});
