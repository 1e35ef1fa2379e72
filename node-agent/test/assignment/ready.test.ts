import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { entryFile } from '../../src/journal/entry';
import { containerId } from '../../src/linux/ids';
import { ReadyEngines } from '../../src/journal/ready';
import { isAlive } from '../../src/linux/proc';
import { Stage, UID, until } from './stage';

/** Programs are started, and a machine may be busy. */
jest.setTimeout(60_000);

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.dispose());

const engines = () => new ReadyEngines([process.execPath, stage.config().engine, 'ready']);
const joined = () =>
  readFileSync(join(stage.dir, 'cgroup/memory/dynamo-snapshot', UID, 'cgroup.procs'), 'utf8').trim();

describe('an engine that is started beforehand', () => {
  it('does the operation that it is told, in the groups of it, and is the one that the entry names', async () => {
    stage.change({ operation: 'Restore', pod: { name: 'p', uid: 'pod-uid' }, container: { name: 'main' } });
    stage.mode('quick');
    const main = { name: 'main' };
    jest.spyOn(stage.api, 'getPod').mockResolvedValue({
      metadata: { name: 'p', namespace: 'team', uid: 'pod-uid' },
      spec: { nodeName: 'node-a', containers: [main] },
    });
    const agent = stage.applier();
    stage.first = 'near';
    await stage.step(agent);
    stage.first = { id: containerId('ab'.repeat(32)), ips: [] };
    await stage.step(agent);
    const { pid } = stage.entry.process() ?? {};
    expect(joined()).toBe(String(pid));
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')).toContain('ready');
    await stage.hasResult();
    await stage.hasEnded();
  });

  it('is one for each that waits, and of few only', () => {
    const some = engines();
    for (const key of ['a', 'a', 'b', 'c', 'd', 'e']) some.start(key);
    const taken = ['a', 'a', 'b', 'c', 'd', 'e'].map((key) => some.take(key));
    expect(taken.map((engine) => engine !== undefined)).toEqual([true, false, true, true, true, false]);
    for (const engine of taken) if (engine !== undefined) process.kill(engine.ref.pid, 'SIGKILL');
  });

  it('ends by itself when nobody wants it any more', async () => {
    const some = engines();
    some.start('a');
    const engine = some.take('a');
    if (engine === undefined) throw new Error('it was not started');
    mkdirSync(stage.entry.dir, { recursive: true });
    expect(engine.begin(stage.entry, ['/nowhere'], () => {})).toBe(false);
    expect(readFileSync(join(stage.entry.dir, entryFile.output), 'utf8')).toContain('/nowhere/cgroup.procs');
    await until(() => !isAlive(engine.ref));
    some.start('b');
    some.drop('b');
    expect(some.take('b')).toBeUndefined();
  });

  it('is not asked for where there is no command for it', () => {
    const none = new ReadyEngines(undefined);
    none.start('a');
    expect(none.take('a')).toBeUndefined();
  });
});
