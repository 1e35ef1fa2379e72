import { readFileSync } from 'node:fs';
import type { Region } from '../../src/linux/memory';
import { allocate, release, viewOf } from '../../src/linux/memory';
import { BlockTable, blocksOf } from '../../src/memory/blocks';
import { CHUNK_BYTES } from '../../src/memory/chunks';

const PAGE = 4096;

let memory: Region;
let staging: Region;
/** The first whole block of the memory. */
let first: number;
beforeEach(() => {
  memory = allocate(4 * CHUNK_BYTES, false);
  staging = allocate(2 * CHUNK_BYTES, false);
  first = Math.ceil(memory.address / CHUNK_BYTES) * CHUNK_BYTES;
});
afterEach(() => {
  release(memory);
  release(staging);
});

const own = (n: number) => ({ host: process.pid, address: first + n * CHUNK_BYTES });
const block = (n: number) => viewOf(own(n).address, CHUNK_BYTES);

describe('the blocks of a process', () => {
  const area = (more: object) => ({
    ...{ start: CHUNK_BYTES - PAGE, end: 3 * CHUNK_BYTES + PAGE, offset: 0, inode: 0, named: false },
    ...{ shared: false, writable: true, executable: false, ...more },
  });

  it('are whole, and lie where chunks begin', () => {
    expect(blocksOf(7, [area({})])).toEqual([
      { host: 7, address: CHUNK_BYTES },
      { host: 7, address: 2 * CHUNK_BYTES },
    ]);
  });

  it.each([
    ['shared memory', { shared: true }],
    ['a file', { inode: 9 }],
    ['memory that it may not write to', { writable: false }],
    ['memory that code runs in', { executable: true }],
    ['less than one', { end: CHUNK_BYTES + PAGE }],
  ])('are none in %s', (_, more) => expect(blocksOf(7, [area(more)])).toEqual([]));
});

describe('a head start', () => {
  it('copies the blocks of which every page is there', () => {
    block(0).fill(1);
    block(1).fill(2);
    viewOf(own(2).address, CHUNK_BYTES - PAGE).fill(3);
    const table = BlockTable.of([own(0), own(1), own(2)]);
    table.copyInto(staging);
    const copies = table.copies().get(process.pid);
    expect([...(copies?.keys() ?? [])]).toEqual([own(0).address, own(1).address]);
    for (const n of [0, 1])
      expect(viewOf(copies?.get(own(n).address) ?? 0, CHUNK_BYTES).equals(block(n))).toBe(true);
    expect(table.usedBytes).toBe(2 * CHUNK_BYTES);
  });

  it('ends where there is no more room', () => {
    for (const n of [0, 1, 2]) block(n).fill(n + 1);
    const table = BlockTable.of([own(0), own(1), own(2)]);
    table.copyInto(staging);
    expect(table.copies().get(process.pid)?.size).toBe(2);
  });

  it('ends when it is given up', () => {
    block(0).fill(1);
    const table = BlockTable.of([own(0)]);
    table.giveUp();
    table.copyInto(staging);
    expect(table.copies().size).toBe(0);
  });

  it('says so of memory that cannot be read', () => {
    const gone = { host: 2 ** 30, address: CHUNK_BYTES };
    expect(() => BlockTable.of([gone]).copyInto(staging)).toThrow(/ENOENT/);
  });
});

describe('touched', () => {
  /** Bytes of the memory that the kernel has given. */
  function resident(): number {
    const text = readFileSync('/proc/self/smaps', 'utf8');
    for (const part of text.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
      const [from = 0, to = 0] = (/^\S+/.exec(part)?.[0] ?? '').split('-').map((hex) => parseInt(hex, 16));
      if (from <= first && first < to) return Number(/^Rss:\s+(\d+)/m.exec(part)?.[1]) * 1024;
    }
    return 0;
  }

  it('a block has all of its memory, and what was in it stays', () => {
    viewOf(own(0).address + PAGE, PAGE).fill(5);
    const before = resident();
    BlockTable.of([own(0), own(1)]).touch();
    expect(resident()).toBe(before + 2 * CHUNK_BYTES - PAGE);
    const where = block(0).subarray(PAGE, 2 * PAGE);
    expect(where.every((byte) => byte === 5)).toBe(true);
    where.fill(0);
    expect(block(0).equals(Buffer.alloc(CHUNK_BYTES))).toBe(true);
    expect(block(1).equals(Buffer.alloc(CHUNK_BYTES))).toBe(true);
  });

  it('is no other block, and none when it is given up', () => {
    const before = resident();
    const table = BlockTable.of([own(0)]);
    table.giveUp();
    table.touch();
    expect(resident()).toBe(before);
  });

  it('may be a block that is not there, or of a process that has ended', () => {
    const gone = [{ host: 2 ** 30, address: CHUNK_BYTES }];
    expect(() => BlockTable.of(gone).touch()).not.toThrow();
    release(memory);
    expect(() => BlockTable.of([own(0)]).touch()).not.toThrow();
    memory = allocate(4 * CHUNK_BYTES, false);
  });
});
