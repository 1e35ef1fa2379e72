import { readdirSync } from 'node:fs';
import type { Region } from '../../src/linux/memory';
import { allocate, release, viewOf } from '../../src/linux/memory';
import { Pool } from '../../src/memory/pool';
import { ChunkTable } from '../../src/memory/table';
import { thisThread } from '../../src/memory/this-thread';

const threads = (): number => readdirSync('/proc/self/task').length;

let region: Region;
beforeEach(() => (region = allocate(4 << 20, false)));
afterEach(() => release(region));
const populate = () => ({ do: 'populate', region }) as const;

it('a pool that starts later has its threads with the first task', async () => {
  const before = threads();
  const pool = new Pool(2, 'later');
  try {
    expect({ own: pool.threads, more: threads() - before }).toEqual({ own: 2, more: 0 });
    await pool.run(populate);
    expect(threads() - before).toBeGreaterThanOrEqual(2);
  } finally {
    await pool.close();
  }
});

it('or when it is told to, once', async () => {
  const pool = new Pool(1, 'later');
  try {
    pool.start();
    const started = threads();
    pool.start();
    expect(threads()).toBe(started);
    await expect(pool.run(populate)).resolves.toEqual({ dropped: [], faults: [] });
  } finally {
    await pool.close();
  }
});

it('little is done by the thread that asks, and its failure is told as it is', async () => {
  const before = threads();
  await expect(thisThread.run(populate)).resolves.toEqual({ dropped: [], faults: [] });
  expect(threads()).toBe(before);
  viewOf(region.address, 1).fill(1);
  const table = ChunkTable.of([{ pid: 0, extents: [], bytes: 4, startsEmpty: false }], () => 0);
  const task = { do: 'read', table: table.memory, files: ['/nowhere'], names: ['nowhere'] } as const;
  table.placeInFile(0, 0, 0, 4);
  await expect(thisThread.run(() => ({ ...task, first: 0, aligned: false, all: false }))).rejects.toThrow(
    'ENOENT',
  );
});
