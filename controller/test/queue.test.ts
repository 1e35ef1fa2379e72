import { TerminalError } from '@dynamo-snapshot/api/errors';
import { silent } from '../src/log';
import type { Reconcile } from '../src/queue';
import { WorkQueue } from '../src/queue';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const queueOf = (reconcile: Reconcile, concurrency?: number) =>
  new WorkQueue({ name: 'test', reconcile, log: silent, ...(concurrency ? { concurrency } : {}) });

/** Lets every promise that can settle do so, without time passing. */
const settle = () => jest.advanceTimersByTimeAsync(0);

/** A reconcile whose runs end only when told. */
function gated() {
  const open: { readonly key: string; readonly end: () => void }[] = [];
  const reconcile: Reconcile = (key) =>
    new Promise((resolve) => open.push({ key, end: () => resolve(undefined) }));
  return { open, reconcile };
}

it('collapses fifty additions during a run into one more run', async () => {
  const { open, reconcile } = gated();
  const queue = queueOf(reconcile);
  for (let i = 0; i < 50; i++) queue.add('ns/a');
  await settle();
  expect(open).toHaveLength(1);
  open[0]?.end();
  await settle();
  expect(open).toHaveLength(2);
  open[1]?.end();
  await settle();
  expect(open).toHaveLength(2);
});

it('runs different keys side by side, no more than its concurrency, in the order they came', async () => {
  const { open, reconcile } = gated();
  const queue = queueOf(reconcile, 2);
  for (const key of ['a', 'b', 'c']) queue.add(key);
  await settle();
  expect(open.map((run) => run.key)).toEqual(['a', 'b']);
  expect(queue.depth).toBe(1);
  open[1]?.end();
  await settle();
  expect(open.map((run) => run.key)).toEqual(['a', 'b', 'c']);
});

it('retries what throws after 200 ms, then 400 ms, and starts over after a success', async () => {
  const results = [false, false, true, false, true];
  const at: number[] = [];
  const begin = Date.now();
  const queue = queueOf(() => {
    at.push(Date.now() - begin);
    return results[at.length - 1] ? Promise.resolve(undefined) : Promise.reject(new Error('no'));
  });
  queue.add('a');
  await jest.advanceTimersByTimeAsync(1000);
  expect(at).toEqual([0, 200, 600]);
  queue.add('a');
  await jest.advanceTimersByTimeAsync(1000);
  expect(at.slice(3)).toEqual([1000, 1200]);
});

it('never waits longer than a minute between retries', async () => {
  let runs = 0;
  const queue = queueOf(() => Promise.reject(new Error(`run ${++runs}`)));
  queue.add('a');
  await jest.advanceTimersByTimeAsync(10 * 60_000);
  const before = runs;
  await jest.advanceTimersByTimeAsync(60_000);
  expect(runs).toBe(before + 1);
});

it('retries a handler that throws before its first await', async () => {
  let runs = 0;
  const queue = queueOf(() => {
    runs++;
    throw new Error('at once');
  });
  queue.add('a');
  await jest.advanceTimersByTimeAsync(200);
  expect(runs).toBe(2);
});

it('logs a TerminalError as an error and does not retry it', async () => {
  const error = jest.fn();
  let runs = 0;
  const reconcile = () => Promise.reject(new TerminalError('Bad', `run ${++runs}`));
  const queue = new WorkQueue({ name: 'test', reconcile, log: { ...silent, error } });
  queue.add('a');
  await jest.advanceTimersByTimeAsync(120_000);
  expect(runs).toBe(1);
  expect(error).toHaveBeenCalledWith('test a: run 1', {});
});

it('still runs a key again when something is added after a TerminalError', async () => {
  let runs = 0;
  const queue = queueOf(() => Promise.reject(new TerminalError('Bad', `run ${++runs}`)));
  queue.add('a');
  await settle();
  queue.add('a');
  await settle();
  expect(runs).toBe(2);
});

it('comes back when the outcome asks for it, and sooner when something changes', async () => {
  let runs = 0;
  const queue = queueOf(() => Promise.resolve(++runs < 3 ? { requeueAfterMs: 5000 } : undefined));
  queue.add('a');
  await jest.advanceTimersByTimeAsync(4999);
  expect(runs).toBe(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(runs).toBe(2);
  queue.add('a');
  await jest.advanceTimersByTimeAsync(60_000);
  expect(runs).toBe(3);
});

it('gives a delayed key its run when the time has come', async () => {
  const { open, reconcile } = gated();
  queueOf(reconcile).addAfter('a', 50);
  await jest.advanceTimersByTimeAsync(49);
  expect(open).toHaveLength(0);
  await jest.advanceTimersByTimeAsync(1);
  expect(open).toHaveLength(1);
});

it('runs at the earliest of several delays of one key', async () => {
  const { open, reconcile } = gated();
  const queue = queueOf(reconcile);
  queue.addAfter('a', 5000);
  queue.addAfter('a', 50);
  await jest.advanceTimersByTimeAsync(50);
  expect(open).toHaveLength(1);
});

it('never runs a key twice at a time, not even when its handler adds the key before it first awaits', async () => {
  let running = 0;
  let most = 0;
  let runs = 0;
  const queue = queueOf(async () => {
    most = Math.max(most, ++running);
    if (++runs < 3) queue.add('a');
    await Promise.resolve();
    running--;
    return undefined;
  });
  queue.add('a');
  await settle();
  expect({ runs, most }).toEqual({ runs: 3, most: 1 });
});

it('begins the back-off anew after a TerminalError', async () => {
  let runs = 0;
  const queue = queueOf(() =>
    Promise.reject(++runs === 1 ? new TerminalError('Bad', 'first') : new Error('later')),
  );
  queue.add('a');
  await settle();
  queue.add('a');
  await jest.advanceTimersByTimeAsync(200);
  expect(runs).toBe(3);
});

describe('drain', () => {
  it('ends although a key was added just before', async () => {
    const queue = queueOf(
      (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined))),
    );
    queue.add('a');
    let drained = false;
    void queue.drain().then(() => (drained = true));
    await settle();
    expect(drained).toBe(true);
  });

  it('tells the running handlers, waits for them, and starts none that waited', async () => {
    const started: string[] = [];
    const ended: string[] = [];
    const queue = queueOf(async (key, signal) => {
      started.push(key);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await new Promise((resolve) => setTimeout(resolve, 30));
      ended.push(key);
      return undefined;
    }, 1);
    queue.add('a');
    queue.add('b');
    await settle();
    const drained = queue.drain();
    await jest.advanceTimersByTimeAsync(29);
    expect(ended).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    await drained;
    expect({ started, ended }).toEqual({ started: ['a'], ended: ['a'] });
  });

  it('leaves no timer and takes nothing new', async () => {
    let runs = 0;
    const queue = queueOf(() => Promise.reject(new Error(`run ${++runs}`)));
    queue.add('a');
    await settle();
    queue.addAfter('b', 100);
    await queue.drain();
    expect(jest.getTimerCount()).toBe(0);
    queue.add('a');
    queue.addAfter('a', 1);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(runs).toBe(1);
  });
});

it('at rest forgets what is added, and works again when it is resumed', async () => {
  const { open, reconcile } = gated();
  const queue = new WorkQueue({ name: 'test', reconcile, log: silent, paused: true });
  queue.add('a');
  await settle();
  expect([open.length, queue.depth]).toEqual([0, 0]);
  queue.resume();
  queue.add('b');
  await settle();
  expect(open.map((run) => run.key)).toEqual(['b']);
  const drained = queue.drain();
  open[0]?.end();
  await drained;
  queue.resume();
  queue.add('b');
  await settle();
  expect(open).toHaveLength(2);
});

it('tells how each run went', async () => {
  const told: string[] = [];
  const ends = [undefined, new Error('no'), new TerminalError('Bad', 'no')];
  const reconcile: Reconcile = () => {
    const error = ends.shift();
    return error === undefined ? Promise.resolve(undefined) : Promise.reject(error);
  };
  const queue = new WorkQueue({ name: 'test', reconcile, log: silent, onRun: (result) => told.push(result) });
  for (const key of ['a', 'b', 'c']) queue.add(key);
  await settle();
  expect(told).toEqual(['ok', 'retried', 'gaveUp']);
});
