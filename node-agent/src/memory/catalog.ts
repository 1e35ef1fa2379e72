/** The index of the shards, from the rows of a copy and back to rows; pure. */
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { shardFile } from '@dynamo-snapshot/api/layout';
import type { AdvisedArea, PagesChunk, PagesIndex } from '@dynamo-snapshot/api/pages';
import { PAGES_VERSION } from '@dynamo-snapshot/api/pages';
import type { Extent } from '../linux/extent';
import { PAGE, totalOf } from '../linux/extent';
import type { Chunk } from './chunks';
import type { Dropped } from './task';
import type { ChunkTable } from './table';

export interface Stored {
  readonly shardCount: number;
  readonly chunks: readonly Chunk[];
  readonly table: ChunkTable;
  readonly dropped: readonly Dropped[];
  readonly advised: readonly AdvisedArea[];
  readonly encrypted: boolean;
}

/** Rows of zeros only are in no shard. Shards that no thread wrote to are there, and empty. */
export function indexOf({ shardCount, chunks, table, dropped, advised, encrypted }: Stored): PagesIndex {
  const remaining = new Map(dropped.map(({ row, extents }) => [row, extents]));
  const rows = chunks.flatMap((chunk, row): PagesChunk[] => {
    const extents = remaining.get(row) ?? chunk.extents;
    if (extents.length === 0) return [];
    return [
      {
        pid: chunk.pid,
        shard: table.file(row),
        offset: table.offset(row),
        digest: table.digest(row).toString('hex'),
        ...(encrypted ? { tag: table.tag(row).toString('base64') } : {}),
        extents: extents.flatMap(({ address, length }) => [address, length]),
      },
    ];
  });
  const sizes = Array.from({ length: shardCount }, () => 0);
  for (const row of rows) sizes[row.shard] = Math.max(sizes[row.shard] ?? 0, row.offset + bytesOf(row));
  const shards = sizes.map((sizeBytes, i) => ({ path: shardFile(i), sizeBytes }));
  return { version: PAGES_VERSION, shards, chunks: inReadingOrder(rows), advised: [...advised] };
}

/** Every shard from its begin to its end, all of them side by side. */
const inReadingOrder = (rows: readonly PagesChunk[]): PagesChunk[] =>
  [...rows].sort((a, b) => a.offset - b.offset || a.shard - b.shard);

export const bytesOf = ({ extents }: PagesChunk): number =>
  extents.reduce((sum, value, i) => (i % 2 === 1 ? sum + value : sum), 0);

export function extentsOf({ extents }: PagesChunk): readonly Extent[] {
  return Array.from({ length: extents.length / 2 }, (_, i) => ({
    address: extents[i * 2] ?? 0,
    length: extents[i * 2 + 1] ?? 0,
  }));
}

/**
 * Throws ArtifactInvalid unless the chunks cover each shard exactly once, byte for byte, and no two of them the same memory: only then
 * does the digest of every chunk vouch for every byte.
 */
export function checkIndex({ shards, chunks }: PagesIndex, chunkBytes: number): void {
  const invalid = (why: string) => new TerminalError('ArtifactInvalid', `pages/index.json: ${why}`);
  const ends = shards.map(() => 0);
  for (const chunk of inReadingOrder(chunks)) {
    const extents = extentsOf(chunk);
    const odd =
      chunk.extents.length % 2 === 1 || extents.some((e) => e.length % PAGE !== 0 || e.address % PAGE !== 0);
    if (odd || bytesOf(chunk) > chunkBytes) throw invalid('a chunk is not made of whole pages');
    if (ends[chunk.shard] !== chunk.offset)
      throw invalid(`shard ${chunk.shard} has a hole at ${chunk.offset}`);
    ends[chunk.shard] = chunk.offset + bytesOf(chunk);
  }
  shards.forEach(({ path, sizeBytes }, i) => {
    if (ends[i] !== sizeBytes) throw invalid(`${path} has ${sizeBytes} bytes, its chunks ${ends[i]}`);
  });
  const memory = chunks.flatMap((chunk) => extentsOf(chunk).map((extent) => ({ pid: chunk.pid, ...extent })));
  memory.sort((a, b) => a.pid - b.pid || a.address - b.address);
  memory.forEach((extent, i) => {
    const before = memory[i - 1];
    if (before?.pid === extent.pid && before.address + before.length > extent.address)
      throw invalid(`memory at 0x${extent.address.toString(16)} is there twice`);
  });
}

/** Bytes that a restore must write. */
export const totalBytes = ({ chunks }: PagesIndex): number =>
  totalOf(chunks.map((chunk) => ({ length: bytesOf(chunk) })));
