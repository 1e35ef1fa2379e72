/** The capture's part of a worker thread: out of frozen processes into staging memory or into this thread's shard; digests of files. */
import { closeSync, constants, fsyncSync, ftruncateSync, openSync } from 'node:fs';
import { blake3 } from '@napi-rs/blake-hash';
import { discard, readProcess, viewOf } from '../linux/memory';
import { encrypt, FIRST_SHARD } from '../store/cipher';
import { CHUNK_BYTES } from './chunks';
import { readWhole, scratchAt, writeWhole } from './scratch';
import type { ChunkTable } from './table';
import { NOWHERE } from './table';
import type { Dropped } from './task';
import type { Kept } from './zeros';
import { withoutZeros } from './zeros';

/** Where this thread's chunks go, one after another. */
interface Shard {
  readonly number: number;
  readonly fd: number;
  readonly key: Uint8Array | undefined;
  length: number;
}

let shard: Shard | undefined;

export function openShard(number: number, path: string, key: Uint8Array | undefined): void {
  shard = { number, key, fd: openSync(path, 'wx', 0o600), length: 0 };
}

/** What lies behind is written once more, with other content. Never of an encrypted shard: its nonces come from the places in it. */
export function cutShard(length: number): void {
  if (shard === undefined) return;
  if (shard.key !== undefined) throw new Error('an encrypted shard is not written twice');
  shard.length = Math.min(shard.length, length);
  ftruncateSync(shard.fd, shard.length);
}

export function syncShard(): void {
  if (shard === undefined) return;
  fsyncSync(shard.fd);
  closeSync(shard.fd);
  shard = undefined;
}

/** Into staging where the row has a place there, else right into the shard. */
export function copyRow(row: number, table: ChunkTable): readonly Dropped[] {
  if (table.copied(row) || table.file(row) !== NOWHERE) return [];
  const staging = table.staging(row);
  const to = staging === 0 ? scratchAt(0) : staging;
  readProcess(table.pid(row), table.extents(row), to);
  return staging === 0 ? store(row, table, to) : [];
}

/** The staging memory goes back with what is stored, by all threads: at once it would take seconds, and the node may need it for the store. */
export function storeRow(row: number, table: ChunkTable): readonly Dropped[] {
  if (table.file(row) !== NOWHERE) return [];
  const staging = table.staging(row);
  const dropped = store(row, table, staging);
  discard(staging, table.bytes(row));
  return dropped;
}

function store(row: number, table: ChunkTable, address: number): readonly Dropped[] {
  if (shard === undefined) throw new Error('no shard is open');
  const bytes = table.bytes(row);
  const whole = viewOf(address, bytes);
  const kept = table.startsEmpty(row) ? withoutZeros(whole, table.extents(row)) : undefined;
  const content = kept === undefined || kept.bytes === bytes ? whole : packed(whole, kept);
  const closed = shut(content, row, table, shard.key, [FIRST_SHARD + shard.number, shard.length]);
  writeWhole(shard.fd, closed, shard.length);
  table.placeInFile(row, shard.number, shard.length, content.length);
  shard.length += content.length;
  return content === whole ? [] : [{ row, extents: kept?.extents ?? [] }];
}

function packed(whole: Buffer, { spans, bytes }: Kept): Buffer {
  const to = viewOf(scratchAt(1), CHUNK_BYTES).subarray(0, bytes);
  let at = 0;
  for (const span of spans) at += whole.copy(to, at, span.from, span.to);
  return to;
}

/** What goes into the file; its digest, and its tag, are in the row. */
function shut(
  content: Buffer,
  row: number,
  table: ChunkTable,
  key: Uint8Array | undefined,
  [file, offset]: readonly [number, number],
): Buffer {
  const encrypted = key === undefined ? undefined : encrypt(key, file, offset, content);
  if (encrypted !== undefined) table.setTag(row, encrypted.tag);
  const closed = encrypted?.content ?? content;
  table.setDigest(row, blake3(closed));
  return closed;
}

/** Of a file that is there already. */
export function sealRow(
  row: number,
  table: ChunkTable,
  files: readonly string[],
  key: Uint8Array | undefined,
): void {
  const [file, offset] = [table.file(row), table.offset(row)];
  const path = files[file] ?? '';
  const fd = openSync(path, key === undefined ? constants.O_RDONLY : constants.O_RDWR);
  try {
    const content = viewOf(scratchAt(0), table.stored(row));
    readWhole(fd, content, offset, path);
    const closed = shut(content, row, table, key, [file, offset]);
    if (key !== undefined) writeWhole(fd, closed, offset);
  } finally {
    closeSync(fd);
  }
}
