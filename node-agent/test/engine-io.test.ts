import type { Progress } from '@dynamo-snapshot/api/progress';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { Steps, unlessStopped } from '../src/engine-io';

const why = new TerminalError('Cancelled', 'it was cancelled');
const never = () => new Promise<never>(() => {});

let stop: AbortController;
let told: string[];
let steps: Steps;

beforeEach(() => {
  stop = new AbortController();
  told = [];
  steps = new Steps((progress) => void told.push(progress.step), stop.signal);
});

describe('Steps', () => {
  it('tells each step, and times it', async () => {
    expect(await steps.run('one', () => 1)).toBe(1);
    expect(await steps.runToEnd('two', () => Promise.resolve(2))).toBe(2);
    expect(told).toEqual(['one', 'two']);
    expect(steps.total().map((t) => t.step)).toEqual(['one', 'two', 'total']);
  });

  it.each(['run', 'runToEnd'] as const)('%s begins nothing once the operation must stop', async (how) => {
    stop.abort(why);
    const work = jest.fn();
    await expect(steps[how]('late', work)).rejects.toBe(why);
    expect(work).not.toHaveBeenCalled();
  });

  it('run gives a step up that does not end', async () => {
    const running = steps.run('long', never);
    stop.abort(why);
    await expect(running).rejects.toBe(why);
  });

  it('runToEnd waits for the step, and takes what it then achieved', async () => {
    let finish: (value: string) => void = () => {};
    const running = steps.runToEnd('long', () => new Promise<string>((resolve) => (finish = resolve)));
    stop.abort(why);
    finish('done');
    expect(await running).toBe('done');
  });

  it('runToEnd names the wish to stop as the reason of what failed after it', async () => {
    let fail: (error: Error) => void = () => {};
    const running = steps.runToEnd('long', () => new Promise((_, reject) => (fail = reject)));
    stop.abort(why);
    fail(new Error('killed by signal 9'));
    await expect(running).rejects.toBe(why);
  });

  it('tells of bytes, rate and remaining time while a step goes on, and no more when it has ended', async () => {
    jest.useFakeTimers();
    const summaries: Progress[] = [];
    const counting = new Steps((progress) => void summaries.push(progress), stop.signal);
    let done = 0;
    const work = new Promise<void>((resolve) => setTimeout(resolve, 1100));
    const bytes = () => ({ done: (done += 100), total: 1000 });
    const following = counting.follow('fill', bytes, () => work);
    await jest.advanceTimersByTimeAsync(1100);
    await following;
    await jest.advanceTimersByTimeAsync(1000);
    jest.useRealTimers();
    expect(summaries.map(({ summary }) => summary)).toEqual(['fill 10%', 'fill 20%', 'fill 30%', 'fill 40%']);
    expect(summaries.at(-1)).toMatchObject({
      bytesDone: 400,
      bytesTotal: 1000,
      bytesPerSecond: 400,
      etaSeconds: 2,
    });
  });

  it('keeps the reason of what failed by itself', async () => {
    const own = new TerminalError('DumpFailed', 'no');
    await expect(steps.runToEnd('x', () => Promise.reject(own))).rejects.toBe(own);
    await expect(steps.run('x', () => Promise.reject(own))).rejects.toBe(own);
  });
});

describe('unlessStopped', () => {
  it('fails as a function does that throws at once', async () => {
    const work = () => {
      throw new Error('at once');
    };
    await expect(unlessStopped(stop.signal, work)).rejects.toThrow('at once');
  });
});
