import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DumpHook, hookFolder, mayHaveInfected, SEIZE_PATIENCE_MS } from '../../src/criu/hook';
import { until } from '../assignment/stage';

const UID = '11111111-2222-3333-4444-555555555555';

let work: string;
let dir: string;
let stop: AbortController;
let closes: (() => void)[];

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'hook-'));
  dir = hookFolder(work, UID);
  stop = new AbortController();
  closes = [];
});
afterEach(() => {
  for (const close of closes) close();
  jest.useRealTimers();
  rmSync(work, { recursive: true });
});

function open(
  whileFrozen: () => Promise<void> = () => Promise.resolve(),
  tells = true,
  seconds = 600,
): DumpHook {
  const hook = new DumpHook(dir, { tells, seconds });
  closes.push(hook.open(whileFrozen, stop.signal));
  return hook;
}

/** As CRIU runs it; gives the exit status. */
async function stage(hook: DumpHook, action: string, engine = process.pid): Promise<number> {
  const env = {
    ...process.env,
    ...hook.env(),
    SNAPSHOT_ENGINE: String(engine),
    CRTOOLS_SCRIPT_ACTION: action,
  };
  const [code] = (await once(spawn(hook.script, { env, stdio: 'inherit' }), 'close')) as [number];
  return code;
}

describe('the action script of a dump', () => {
  it.each(['pre-dump', 'network-lock', 'network-unlock', 'post-resume'])(
    'lets CRIU pass %s',
    async (action) => {
      expect(await stage(open(), action)).toBe(0);
      expect(existsSync(join(dir, `at-${action}`))).toBe(true);
    },
  );

  it('waits at post-dump until the engine has done its part', async () => {
    let done = false;
    const hook = open(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      done = true;
    });
    expect(await stage(hook, 'post-dump')).toBe(0);
    expect(done).toBe(true);
  });

  it('fails post-dump where the engine fails, and keeps the error', async () => {
    const failure = new Error('no space');
    const hook = open(() => Promise.reject(failure));
    expect(await stage(hook, 'post-dump')).not.toBe(0);
    expect(hook.failure).toBe(failure);
  });

  it.each(['pre-dump', 'network-lock', 'post-dump'])('fails %s once the dump is to stop', async (action) => {
    const hook = open(() => new Promise(() => {}));
    stop.abort(new Error('enough'));
    expect(await stage(hook, action)).not.toBe(0);
  });

  it('fails a post-dump that has begun when the dump is to stop', async () => {
    const hook = open(() => new Promise(() => {}));
    const ended = stage(hook, 'post-dump');
    await until(() => existsSync(join(dir, 'request')));
    stop.abort(new Error('enough'));
    expect(await ended).not.toBe(0);
  });

  it.each(['pre-dump', 'network-lock', 'post-dump'])('fails %s where the engine is gone', async (action) => {
    expect(
      await stage(
        open(() => new Promise(() => {})),
        action,
        2_000_000_000,
      ),
    ).not.toBe(0);
  });

  it('fails a post-dump when the tree has stood still for as long as it may, whatever the engine does', async () => {
    const hook = open(() => new Promise(() => {}), true, 1.5);
    expect(await stage(hook, 'pre-dump')).toBe(0);
    expect(hook.late).toBe(false);
    expect(await stage(hook, 'post-dump')).not.toBe(0);
    expect(hook.late).toBe(true);
  });

  it('counts parts of seconds: a probe may have no second to spare', async () => {
    const hook = open(undefined, true, 0.4);
    const upSeconds = () => parseFloat(readFileSync('/proc/uptime', 'utf8'));
    while (upSeconds() % 1 < 0.5) await delay(20);
    writeFileSync(join(dir, 'since'), `${Math.floor(upSeconds())}.00 0.00\n`);
    expect(await stage(hook, 'network-lock')).not.toBe(0);
    expect(hook.late).toBe(true);
  });

  it('does not hurry where there is time', async () => {
    const hook = open(undefined, true, 60);
    expect(await stage(hook, 'pre-dump')).toBe(0);
    expect(await stage(hook, 'post-dump')).toBe(0);
    expect(hook.late).toBe(false);
  });

  it('never fails when CRIU lets the tree go on', async () => {
    const hook = open();
    stop.abort(new Error('enough'));
    expect(await stage(hook, 'network-unlock')).toBe(0);
  });
});

describe('whether CRIU may be killed', () => {
  it('may until every task is seized, and not from then on', async () => {
    const hook = open();
    await stage(hook, 'pre-dump');
    expect(mayHaveInfected(dir)).toBe(false);
    await stage(hook, 'network-lock');
    expect(mayHaveInfected(dir)).toBe(true);
  });

  it('may never where CRIU does not tell when the tree is seized', () => {
    open(undefined, false);
    expect(mayHaveInfected(dir)).toBe(true);
  });

  it.each([
    [true, SEIZE_PATIENCE_MS - 1, false],
    [true, SEIZE_PATIENCE_MS, true],
    [false, SEIZE_PATIENCE_MS * 100, false],
  ])('says so (CRIU tells: %j) %d ms after it should have stopped: %j', (tells, ms, killable) => {
    jest.useFakeTimers();
    const hook = open(undefined, tells);
    stop.abort(new Error('enough'));
    jest.advanceTimersByTime(ms);
    expect(hook.killable.aborted).toBe(killable);
  });
});

describe('the folder of a hook', () => {
  it('is gone in the end, also where there was one before', () => {
    open();
    expect(readFileSync(join(dir, 'action'), 'utf8')).toContain('CRTOOLS_SCRIPT_ACTION');
    open();
    for (const close of closes.splice(0)) close();
    expect(readdirSync(work)).toEqual([]);
  });
});
