import { TerminalError } from '@dynamo-snapshot/api/errors';
import { cudaReady, cudaRestore, cudaStop } from '../../src/cuda/stop';
import { takeBack } from '../../src/journal/undo';
import { Stage } from './stage';

jest.setTimeout(60_000);

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

const tree = (...processes: ReturnType<Stage['process']>[]) => ({
  processes,
  bytes: 0,
  driver: '580.159.04',
});

it('locks all before it checkpoints the first, and gives all back', async () => {
  const [a, b] = [stage.process('running'), stage.process('running')];
  const gpu = await cudaStop(tree(a, b), stage.io);
  expect([stage.state(a), stage.state(b)]).toEqual(['checkpointed', 'checkpointed']);
  await gpu.resume();
  expect([stage.state(a), stage.state(b)]).toEqual(['running', 'running']);
  const order = stage.calls.map((line) => line.split(' ')[0]);
  expect(order).toEqual([
    'lock',
    'lock',
    'checkpoint',
    'checkpoint',
    'restore',
    'restore',
    'unlock',
    'unlock',
  ]);
  expect(stage.steps).toEqual(['gpuLock', 'gpuCheckpoint']);
});

it('says to the journal what must be undone before it touches anything', async () => {
  const a = stage.process('running');
  const steps: string[] = [];
  const io = {
    ...stage.io,
    willUndo: ({ do: what }: { do: string }) => void steps.push(`${what} ${stage.state(a)}`),
  };
  await cudaStop(tree(a), io);
  expect(steps).toEqual(['cudaResume running', 'hugePages locked']);
});

it('has the driver answer before anybody has to wait for it, and goes on with the same helper', async () => {
  const a = stage.process('running');
  const cuda = await cudaReady(tree(a), stage.io);
  expect(stage.read('calls')).toBe(`state ${a.pid}\n`);
  const io = {
    ...stage.io,
    config: { ...stage.config, gpu: { ...stage.config.gpu, helper: ['/bin/false'] as const } },
  };
  await (await cudaStop(tree(a), io, { cuda })).resume();
  expect(stage.state(a)).toBe('running');
});

it('a driver that does not answer yet is asked again when it is needed', async () => {
  const a = stage.process('running');
  stage.will('crash-state');
  const cuda = await cudaReady(tree(a), stage.io);
  stage.wont('crash-state');
  await (await cudaStop(tree(a), stage.io, { cuda })).resume();
  expect(stage.state(a)).toBe('running');
});

it('tells what of the stand-still is used up: since the first lock, and what giving back will take', async () => {
  const a = stage.process('running');
  stage.will('slow-checkpoint', 300);
  const gpu = await cudaStop({ ...tree(a), bytes: 10e9 }, stage.io);
  expect(gpu.spentSeconds()).toBeGreaterThan(2.3);
  expect(gpu.spentSeconds()).toBeLessThan(30);
  await gpu.resume();
  expect((await cudaStop(tree(), stage.io)).spentSeconds()).toBe(0);
});

it('starts nothing where no process holds CUDA state', async () => {
  await (await cudaStop(tree(), stage.io)).resume();
  expect(stage.undo).toEqual([]);
});

describe('whatever the driver does wrong, every process runs again', () => {
  it.each([
    ['a lock that runs into its time limit', 'fail-lock', 600, /Lock of process .* 600, not ready/],
    ['a lock that fails', 'fail-lock', 801, /Lock of process .* 801, not supported/],
    ['a checkpoint that is refused', 'fail-checkpoint', 801, /Checkpoint of process .* 801, not supported/],
    ['a checkpoint without memory', 'fail-checkpoint', 2, /Checkpoint of process .* 2, out of memory/],
    ['a driver that ends the helper in a lock', 'crash-lock', 1, /CUDA helper: it ended with exit 139/],
    [
      'a driver that ends the helper in a checkpoint',
      'crash-checkpoint',
      1,
      /CUDA helper: it ended with exit 139/,
    ],
  ])('%s', async (_, what, value, message) => {
    const [a, b] = [stage.process('running'), stage.process('running')];
    stage.will(`${what}-${b.pid}`, value);
    await expect(cudaStop(tree(a, b), stage.io)).rejects.toThrow(message);
    expect([stage.state(a), stage.state(b)]).toEqual(['running', 'running']);
    expect(stage.hugePages).toBe('madvise');
  });

  it.each([
    ['hangs before it did anything', 'hang-checkpoint'],
    ['hangs when it is done', 'late-checkpoint'],
  ])('a checkpoint that %s', async (_, what) => {
    const [a, b] = [stage.process('running'), stage.process('running')];
    stage.will(`${what}-${a.pid}`);
    const io = { ...stage.io, deadline: Date.now() + 1500 };
    await expect(cudaStop(tree(a, b), io)).rejects.toThrow(/Checkpoint of process .*no answer within/);
    expect([stage.state(a), stage.state(b)]).toEqual(['running', 'running']);
  });

  it('a cancellation while it locks', async () => {
    const [a, b] = [stage.process('running'), stage.process('running')];
    stage.cancel.abort(new TerminalError('Cancelled', 'cancelled'));
    await expect(cudaStop(tree(a, b), stage.io)).rejects.toThrow(/cancelled/);
    expect([stage.state(a), stage.state(b)]).toEqual(['running', 'running']);
  });

  it('a cancellation while it checkpoints waits for the driver', async () => {
    const a = stage.process('running');
    stage.will('slow-checkpoint', 300);
    const io = {
      ...stage.io,
      willUndo: ({ do: what }: { do: string }) =>
        void (what === 'hugePages' && stage.cancel.abort(new TerminalError('Cancelled', 'cancelled'))),
    };
    await expect(cudaStop(tree(a), io)).rejects.toThrow(/cancelled/);
    expect(stage.state(a)).toBe('running');
    expect(stage.calls.map((line) => line.split(' ')[0])).not.toContain('kill');
  });

  it('a restore that fails at first', async () => {
    const a = stage.process('running');
    const gpu = await cudaStop(tree(a), stage.io);
    stage.will('fail-restore', 2);
    const resumed = gpu.resume();
    setTimeout(() => stage.wont('fail-restore'), 300);
    await resumed;
    expect(stage.state(a)).toBe('running');
  });

  it('a process that ended meanwhile is no fault', async () => {
    const [a, b] = [stage.process('running'), stage.process('running')];
    const gpu = await cudaStop(tree(a, b), stage.io);
    await stage.end(a);
    await gpu.resume();
    expect(stage.state(b)).toBe('running');
  });
});

it('tells that the driver gave a process up', async () => {
  const a = stage.process('running');
  const gpu = await cudaStop(tree(a), stage.io);
  stage.write(String(a.pid), '3');
  await expect(gpu.resume()).rejects.toThrow(/gave up the CUDA state of process \d+; it must be restarted/);
});

describe('the journal takes back', () => {
  it.each(['running', 'locked', 'checkpointed'] as const)('a process that was left %s', async (state) => {
    const a = stage.process(state);
    const { helper } = stage.config.gpu;
    await takeBack({ do: 'cudaResume', helper, processes: [a], limitMs: 10_000 });
    expect(stage.state(a)).toBe('running');
  });

  it('nothing of a process whose number belongs to another one now', async () => {
    const a = stage.process('locked');
    const { helper } = stage.config.gpu;
    await takeBack({ do: 'cudaResume', helper, processes: [{ ...a, startTime: '1' }], limitMs: 10_000 });
    expect(stage.state(a)).toBe('locked');
  });

  it('says which process does not run again', async () => {
    const a = stage.process('locked');
    stage.will('fail-unlock', 999);
    const { helper } = stage.config.gpu;
    await expect(takeBack({ do: 'cudaResume', helper, processes: [a], limitMs: 300 })).rejects.toThrow(
      new RegExp(`process ${a.pid} does not run again: cuCheckpointProcessUnlock .* 999`),
    );
  });
});

describe('in restored processes', () => {
  const from = 'GPU-00112233-4455-6677-8899-aabbccddeeff';
  const to = 'GPU-ffeeddcc-bbaa-9988-7766-554433221100';

  it('restores all, then unlocks all, and hands over which GPU takes whose place', async () => {
    const [a, b] = [stage.process('checkpointed'), stage.process('checkpointed')];
    await cudaRestore({ ...tree(a, b), gpuPairs: [{ from, to }] }, stage.io);
    expect([stage.state(a), stage.state(b)]).toEqual(['running', 'running']);
    expect(stage.calls.slice(0, 2).sort()).toEqual(
      [a, b]
        .map(({ pid }) => `restore ${pid} 00112233445566778899aabbccddeeff=ffeeddccbbaa99887766554433221100`)
        .sort(),
    );
    expect(stage.calls.slice(2).map((line) => line.split(' ')[0])).toEqual(['unlock', 'unlock']);
  });

  it('unlocks nobody before all memory is there, and tells the fill that the driver has ended', async () => {
    const a = stage.process('checkpointed');
    const whole = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const behind = { whole: whole.promise, hurry: () => ended.resolve() };
    const restoring = cudaRestore({ ...tree(a), gpuPairs: [] }, stage.io, { behind });
    await ended.promise;
    expect(stage.calls.map((line) => line.split(' ')[0])).toEqual(['restore']);
    whole.resolve();
    await restoring;
    expect(stage.calls.map((line) => line.split(' ')[0])).toEqual(['restore', 'unlock']);
  });

  it('does not wait for a driver that waits for memory which never comes', async () => {
    const a = stage.process('checkpointed');
    stage.will('hang-restore', 0);
    const whole = Promise.reject(new TerminalError('ArtifactDamaged', 'shard-0 has another content'));
    const restoring = cudaRestore({ ...tree(a), gpuPairs: [] }, stage.io, {
      behind: { whole, hurry: () => {} },
    });
    await expect(restoring).rejects.toThrow('shard-0 has another content');
    expect(stage.calls.some((line) => line.startsWith('unlock'))).toBe(false);
  });

  it('unlocks none where one cannot be restored', async () => {
    const [a, b] = [stage.process('checkpointed'), stage.process('checkpointed')];
    stage.will(`fail-restore-${b.pid}`, 2);
    await expect(cudaRestore({ ...tree(a, b), gpuPairs: [] }, stage.io)).rejects.toThrow(
      /Restore of process .* out of memory/,
    );
    expect(stage.calls.filter((line) => line.startsWith('unlock'))).toEqual([]);
  });
});
