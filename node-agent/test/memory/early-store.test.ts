import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blake3 } from '@napi-rs/blake-hash';
import type { Region } from '../../src/linux/memory';
import { allocate, release, viewOf } from '../../src/linux/memory';
import { CHUNK_BYTES } from '../../src/memory/chunks';
import { hostPid } from '../../src/linux/ids';
import { EarlyStore, keptOf } from '../../src/memory/early-store';
import { perform } from '../../src/memory/perform';
import type { Threads } from '../../src/memory/pool';
import { ChunkTable, NOWHERE } from '../../src/memory/table';

const PAGE = 4096;

const tableOf = (addresses: readonly number[]) =>
  ChunkTable.of(
    addresses.map((address) => ({
      ...{ pid: process.pid, bytes: CHUNK_BYTES, startsEmpty: true },
      extents: [{ address, length: CHUNK_BYTES }],
    })),
    (pid) => pid,
  );

describe('of the shards that are written already', () => {
  /** Shard, offset and length of each block. */
  const stored = (...places: readonly (readonly [number, number, number] | undefined)[]) => {
    const table = tableOf(places.map((_, i) => (i + 1) * CHUNK_BYTES));
    places.forEach((place, row) => place && table.placeInFile(row, ...place));
    return table;
  };
  const kept = (table: ChunkTable, used: readonly number[]) => {
    const found = keptOf(table, (block) => used.includes(block));
    return { kept: [...found.kept].sort(), lengths: Object.fromEntries(found.lengths), isCut: found.isCut };
  };

  it('all is kept where every block is used', () => {
    const table = stored([0, 0, 10], [1, 0, 5], [0, 10, 10], undefined);
    expect(kept(table, [0, 1, 2])).toEqual({ kept: [0, 1, 2], lengths: { 0: 20, 1: 5 }, isCut: false });
  });

  it('what lies before the first that is not used, in each', () => {
    const table = stored([0, 0, 10], [0, 10, 10], [0, 20, 10], [1, 0, 10]);
    expect(kept(table, [0, 2, 3])).toEqual({ kept: [0, 3], lengths: { 0: 10, 1: 10 }, isCut: true });
  });

  it('a block of zeros takes no place, used or not', () => {
    const table = stored([0, 0, 10], [0, 10, 0], [0, 10, 0], [0, 10, 10]);
    expect(kept(table, [0, 1, 3])).toEqual({ kept: [0, 1, 3], lengths: { 0: 20 }, isCut: false });
  });
});

describe('a head start into a shard', () => {
  let dir: string;
  let memory: Region;
  let first: number;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'early-'));
    memory = allocate(5 * CHUNK_BYTES, false);
    first = Math.ceil(memory.address / CHUNK_BYTES) * CHUNK_BYTES;
    perform({ do: 'open', shard: 3, path: join(dir, 'shard') });
  });
  afterEach(() => {
    perform({ do: 'sync' });
    release(memory);
    rmSync(dir, { recursive: true });
  });
  const at = (n: number) => first + n * CHUNK_BYTES;
  const fill = (n: number, length = CHUNK_BYTES) => viewOf(at(n), length).fill(n + 1);
  const shard = () => readFileSync(join(dir, 'shard'));

  it('takes the blocks of which every page is there, without their zeros, and what is copied later comes behind', () => {
    fill(0);
    fill(1, CHUNK_BYTES - PAGE);
    fill(2);
    viewOf(at(2), PAGE).fill(0);
    const table = tableOf([at(0), at(1), at(2)]);
    const { dropped } = perform({ do: 'early store', table: table.memory });
    expect([0, 1, 2].map((row) => table.file(row))).toEqual([3, NOWHERE, 3]);
    expect(dropped).toEqual([{ row: 2, extents: [{ address: at(2) + PAGE, length: CHUNK_BYTES - PAGE }] }]);
    table.rewind();
    perform({ do: 'copy', table: table.memory });
    expect([0, 2, 1].map((row) => table.offset(row))).toEqual([0, CHUNK_BYTES, 2 * CHUNK_BYTES - PAGE]);
    for (const row of [0, 1, 2]) {
      const stored = shard().subarray(table.offset(row), table.offset(row) + table.stored(row));
      expect(table.digest(row).equals(blake3(stored))).toBe(true);
    }
    expect(shard().length).toBe(3 * CHUNK_BYTES - 2 * PAGE);
  });

  it('is taken back to where it is told', () => {
    fill(0);
    fill(1);
    perform({ do: 'early store', table: tableOf([at(0), at(1)]).memory });
    perform({ do: 'cut', length: CHUNK_BYTES });
    expect(shard().equals(Buffer.alloc(CHUNK_BYTES, 1))).toBe(true);
    fill(2);
    perform({ do: 'copy', table: tableOf([at(2)]).memory });
    expect(shard().subarray(CHUNK_BYTES).equals(Buffer.alloc(CHUNK_BYTES, 3))).toBe(true);
  });

  it('is not taken back where it is encrypted: the same nonce would serve twice', () => {
    perform({ do: 'sync' });
    perform({ do: 'open', shard: 3, path: join(dir, 'closed'), key: Buffer.alloc(32, 1) });
    expect(() => perform({ do: 'cut', length: 0 })).toThrow(/encrypted/);
  });
});

describe('a head start on a process', () => {
  let dir: string;
  let holder: ChildProcess;
  let first: number;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'early-'));
    execFileSync('gcc', ['-O1', '-Wall', '-o', join(dir, 'holder'), 'node-agent/test/memory/holder.c']);
  });
  beforeEach(async () => {
    holder = spawn(join(dir, 'holder'), ['3'], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (holder.stdout === null) throw new Error('it says nothing');
    const [said] = (await once(holder.stdout, 'data')) as [Buffer];
    first = Number(said.toString());
    perform({ do: 'open', shard: 0, path: join(dir, 'shard') });
  });
  afterEach(async () => {
    perform({ do: 'sync' });
    rmSync(join(dir, 'shard'));
    const gone = once(holder, 'exit');
    holder.kill('SIGKILL');
    await gone;
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  /** This one, now. */
  const threads: Threads = { threads: 1, run: (taskOf) => Promise.resolve(perform(taskOf(0))) };
  const NOBODY = 0;
  const pid = () => holder.pid ?? 0;
  const chunk = (n: number, bytes = CHUNK_BYTES) => ({
    ...{ pid: 1, bytes, startsEmpty: true },
    extents: [{ address: first + n * CHUNK_BYTES, length: bytes }],
  });
  const full = (n: number, bytes = CHUNK_BYTES) => Buffer.alloc(bytes, n + 1);

  async function copied(tracer: number, chunks: readonly ReturnType<typeof chunk>[]) {
    const early = new EarlyStore({ root: hostPid(pid()), tracer }, threads);
    const table = ChunkTable.of(chunks, pid);
    await early.end(table, chunks);
    const isEarly = chunks.map((_, row) => table.file(row) === 0);
    perform({ do: 'copy', table: table.memory });
    const shard = readFileSync(join(dir, 'shard'));
    const found = chunks.map((_, row) => {
      const stored = shard.subarray(table.offset(row), table.offset(row) + table.stored(row));
      return table.digest(row).equals(blake3(stored)) ? stored : undefined;
    });
    return { early: isEarly, found, bytes: shard.length };
  }

  it('stores what is listed as a whole', async () => {
    const { early, found, bytes } = await copied(NOBODY, [chunk(0), chunk(1), chunk(2)]);
    expect(early).toEqual([true, true, true]);
    expect(found).toEqual([full(0), full(1), full(2)]);
    expect(bytes).toBe(3 * CHUNK_BYTES);
  });

  it('stores what lies behind a block once more that is listed otherwise, and nothing besides', async () => {
    const half = CHUNK_BYTES / 2;
    const { early, found, bytes } = await copied(NOBODY, [chunk(0), chunk(1, half), chunk(2)]);
    expect(early).toEqual([true, false, false]);
    expect(found).toEqual([full(0), full(1, half), full(2)]);
    expect(bytes).toBe(2 * CHUNK_BYTES + half);
  });

  it('is of no use where the tree was let go', async () => {
    const { early, found, bytes } = await copied(1, [chunk(0), chunk(2)]);
    expect(early).toEqual([false, false]);
    expect(found).toEqual([full(0), full(2)]);
    expect(bytes).toBe(2 * CHUNK_BYTES);
  });
});
