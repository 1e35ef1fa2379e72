import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { PAGE } from '../../src/linux/extent';
import { raise, signalFd } from '../../src/linux/fd-socket';
import type { Region } from '../../src/linux/memory';
import { allocate, release, viewOf } from '../../src/linux/memory';
import { Pace } from '../../src/memory/pace';

const WINDOW = 2;
const ROWS = 8;

let memory: Region;
let gate: number;
let pace: Pace;
let threads: Worker[];
beforeEach(() => {
  memory = allocate(ROWS * PAGE, false);
  // As a userfaultfd: it can be read when somebody waits.
  gate = signalFd();
  const rows = Array.from({ length: ROWS }, (_, i) => ({
    host: process.pid,
    address: memory.address + i * PAGE,
  }));
  pace = Pace.of(rows, [gate], WINDOW);
  threads = [];
});
afterEach(async () => {
  pace.end();
  await Promise.all(threads.map((thread) => thread.terminate()));
  pace.close();
  closeSync(gate);
  release(memory);
});

interface Waiter {
  readonly goes: Promise<unknown>;
  /** Whether it went on within so long. */
  within(ms: number): Promise<boolean>;
}

async function waiter(row: number): Promise<Waiter> {
  const thread = new Worker(join(__dirname, 'paced.ts'), {
    execArgv: ['--require', 'tsx/cjs'],
    workerData: { memory: pace.memory, row },
  });
  threads.push(thread);
  expect(await once(thread, 'message')).toEqual(['waits']);
  const goes = once(thread, 'message');
  const late = (ms: number) => new Promise<boolean>((resolve) => setTimeout(resolve, ms, false));
  return { goes, within: (ms) => Promise.race([goes.then(() => true), late(ms)]) };
}

const read = (row: number) => viewOf(memory.address + row * PAGE, 1).writeUInt8(1);

describe('Pace', () => {
  it('keeps nobody within the window', () => {
    pace.wait(0);
    pace.wait(1);
  });

  it('lets a row have its turn when the one before the window was read, and not before', async () => {
    const { within, goes } = await waiter(4);
    for (const row of [0, 1, 3]) read(row);
    expect(await within(60)).toBe(false);
    read(2);
    await goes;
  });

  it('keeps nobody while somebody waits at the gate, and counts them', async () => {
    const { within, goes } = await waiter(5);
    expect(await within(60)).toBe(false);
    expect(pace.hurried).toBe(0);
    raise(gate);
    await goes;
    expect(pace.hurried).toBe(1);
  });

  it('keeps nobody any more when the driver has ended', async () => {
    const { within, goes } = await waiter(7);
    expect(await within(60)).toBe(false);
    pace.end();
    await goes;
    expect(pace.hurried).toBe(0);
  });

  it('says so where the process is gone', () => {
    const gone = Pace.of(
      [
        { host: 2 ** 22 + 1, address: 0 },
        { host: 0, address: 0 },
      ],
      [],
      1,
    );
    expect(() => gone.wait(1)).toThrow('ENOENT');
  });
});
