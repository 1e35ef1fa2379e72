import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { blake3 } from '@napi-rs/blake-hash';
import type { Extent } from '../../src/linux/extent';
import type { Region } from '../../src/linux/memory';
import { allocate, release, viewOf } from '../../src/linux/memory';
import { RowReader } from '../../src/memory/reader';
import { ChunkTable } from '../../src/memory/table';

const PAGE = 4096;
const BYTES = 3 << 20;
const MARK = 7;

let dir: string;
let shard: string;
let region: Region;
const content = randomBytes(BYTES);

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'reader-'));
  shard = join(dir, 'shard');
  writeFileSync(shard, content);
});
beforeEach(() => {
  region = allocate(2 * BYTES, false);
  viewOf(region.address, region.length).fill(MARK);
});
afterEach(() => release(region));
afterAll(() => rmSync(dir, { recursive: true }));

/** One chunk of the shard, for a process: ourselves. */
function table(extents: readonly Extent[], digest: Uint8Array, pid = process.pid): ChunkTable {
  const made = ChunkTable.of([{ pid: 1, extents, bytes: BYTES, startsEmpty: false }], () => pid);
  made.placeInFile(0, 0, 0, BYTES);
  made.setDigest(0, digest);
  return made;
}

function read(rows: ChunkTable, all = false): readonly string[] {
  const what = { do: 'read', files: [shard], names: ['pages/0'], first: 0, aligned: true, all } as const;
  const reader = new RowReader({ ...what, table: rows.memory });
  try {
    return reader.read(0, rows);
  } finally {
    reader.close();
  }
}

const at = (offset: number, length: number): Extent => ({ address: region.address + offset, length });
const bytes = (offset: number, length: number) => viewOf(region.address + offset, length);

it('puts a chunk where it belongs, whatever the ranges are', () => {
  const odd = 300 * PAGE;
  read(table([at(PAGE, odd), at(4 * PAGE + odd, BYTES - odd)], blake3(content)));
  expect(bytes(PAGE, odd).equals(content.subarray(0, odd))).toBe(true);
  expect(bytes(4 * PAGE + odd, BYTES - odd).equals(content.subarray(odd))).toBe(true);
});

it('leaves what lies between and around as it is', () => {
  const odd = 300 * PAGE;
  read(table([at(PAGE, odd), at(4 * PAGE + odd, BYTES - odd)], blake3(content)));
  for (const [offset, length] of [
    [0, PAGE],
    [PAGE + odd, 3 * PAGE],
    [4 * PAGE + BYTES, PAGE],
  ] as const)
    expect(bytes(offset, length).every((byte) => byte === MARK)).toBe(true);
});

it('puts it into our own memory where there is no process', () => {
  read(table([at(0, BYTES)], blake3(content), 0));
  expect(bytes(0, BYTES).equals(content)).toBe(true);
});

it('ends at a chunk whose content is another, and names the file', () => {
  expect(() => read(table([at(0, BYTES)], blake3('other')))).toThrow('pages/0 has another content at 0');
});

it('puts nothing of such a chunk into our own memory', () => {
  expect(() => read(table([at(0, BYTES)], blake3('other'), 0))).toThrow('another content');
  expect(bytes(0, BYTES).every((byte) => byte === MARK)).toBe(true);
});

it('tells of it and goes on where all faults are wanted', () => {
  expect(read(table([], blake3('other')), true)).toEqual(['pages/0 has another content at 0']);
});

it('says which process it could not write to', () => {
  expect(() => read(table([{ address: PAGE, length: BYTES }], blake3(content)))).toThrow(
    `write memory of process ${process.pid} at 0x1000`,
  );
});
