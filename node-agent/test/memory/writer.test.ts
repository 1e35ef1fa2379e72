import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blake3 } from '@napi-rs/blake-hash';
import type { Region } from '../../src/linux/memory';
import { allocate, release, viewOf } from '../../src/linux/memory';
import { ChunkTable } from '../../src/memory/table';
import { copyRow, openShard, storeRow, syncShard } from '../../src/memory/writer';

const BYTES = 3 << 20;

let dir: string;
let source: Region;
let staging: Region;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'writer-'));
  [source, staging] = [allocate(BYTES, false), allocate(2 * BYTES, false)];
  viewOf(source.address, BYTES).fill(7);
  openShard(0, join(dir, 'shard'), undefined);
});
afterEach(() => {
  syncShard();
  for (const region of [source, staging]) release(region);
  rmSync(dir, { recursive: true });
});

const rows = (...addresses: readonly number[]) =>
  ChunkTable.of(
    addresses.map((address) => ({
      ...{ pid: 1, bytes: BYTES, startsEmpty: false },
      extents: [{ address, length: BYTES }],
    })),
    () => process.pid,
  );

describe('what was copied into staging memory', () => {
  it('is in the shard with its digest, and its memory goes back', () => {
    const table = rows(source.address);
    table.placeInStaging(0, staging.address);
    copyRow(0, table);
    const next = viewOf(staging.address + BYTES, 8).fill(9);
    viewOf(source.address, BYTES).fill(8);
    storeRow(0, table);
    const stored = readFileSync(join(dir, 'shard'));
    expect(stored.equals(Buffer.alloc(BYTES, 7))).toBe(true);
    expect(table.digest(0).equals(blake3(stored))).toBe(true);
    expect(viewOf(staging.address, BYTES).equals(Buffer.alloc(BYTES))).toBe(true);
    expect([...next]).toEqual(Array(8).fill(9));
  });

  it('is stored once', () => {
    const table = rows(source.address);
    table.placeInStaging(0, staging.address);
    copyRow(0, table);
    storeRow(0, table);
    expect(storeRow(0, table)).toEqual([]);
    expect(readFileSync(join(dir, 'shard')).length).toBe(BYTES);
  });
});

it('without staging memory it goes right into the shard', () => {
  const table = rows(source.address, source.address);
  for (const row of [0, 1]) copyRow(row, table);
  for (const row of [0, 1]) storeRow(row, table);
  expect(readFileSync(join(dir, 'shard')).equals(Buffer.alloc(2 * BYTES, 7))).toBe(true);
});
