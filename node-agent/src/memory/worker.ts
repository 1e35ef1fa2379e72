/** A worker thread of the memory copy: takes rows of a table until there are none left. All that it calls is synchronous. */
import { closeSync, constants, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { blake3 } from '@napi-rs/blake-hash';
import { explain, reasonOf, TerminalError, unreachable } from '@dynamo-snapshot/api/errors';
import type { Region } from '../linux/memory';
import { allocate, populate, readProcess, viewOf, writeProcess } from '../linux/memory';
import { CHUNK_BYTES } from './chunks';
import type { Kept } from './zeros';
import { withoutZeros } from './zeros';
import type { Dropped, Reply, Task } from './pool';
import { ChunkTable } from './table';

/** Where this thread's chunks go, one after another. */
interface Shard {
  readonly number: number;
  readonly fd: number;
  length: number;
}

let scratch: Region | undefined;
let shard: Shard | undefined;

/** Two chunks: one as it was read, one without its zeros. Page aligned, as O_DIRECT wants it. */
const scratchAt = (n: 0 | 1): number => {
  scratch ??= allocate(2 * CHUNK_BYTES);
  return scratch.address + n * CHUNK_BYTES;
};

function perform(task: Task): readonly Dropped[] {
  switch (task.do) {
    case 'populate':
      if (!populate(task.region.address, task.region.length))
        throw new Error(`the kernel gave no ${task.region.length} bytes of memory`);
      return [];
    case 'open':
      shard = { number: task.shard, fd: openSync(task.path, 'wx', 0o600), length: 0 };
      return [];
    case 'copy':
      return each(new ChunkTable(task.table), copy);
    case 'store':
      return each(new ChunkTable(task.table), (row, table) =>
        table.shard(row) === NOWHERE ? store(row, table, table.staging(row)) : [],
      );
    case 'sync':
      sync();
      return [];
    case 'fill':
      return fillAll(new ChunkTable(task.table), task.shards);
    default:
      return unreachable(task);
  }
}

const NOWHERE = -1;

/** One that fails stops the others: half a copy is no copy. */
function each(
  table: ChunkTable,
  work: (row: number, table: ChunkTable) => readonly Dropped[],
): readonly Dropped[] {
  const dropped: Dropped[] = [];
  try {
    for (let row = table.take(); row !== undefined; row = table.take()) {
      dropped.push(...work(row, table));
      table.did(table.bytes(row));
    }
    return dropped;
  } catch (error) {
    table.giveUp();
    throw error;
  }
}

/** Out of the frozen process, into staging where the row has a place there, else right into the shard. */
function copy(row: number, table: ChunkTable): readonly Dropped[] {
  const staging = table.staging(row);
  const to = staging === 0 ? scratchAt(0) : staging;
  readProcess(table.pid(row), table.extents(row), to);
  return staging === 0 ? store(row, table, to) : [];
}

function store(row: number, table: ChunkTable, address: number): readonly Dropped[] {
  if (shard === undefined) throw new Error('no shard is open');
  const bytes = table.bytes(row);
  const whole = viewOf(address, bytes);
  const kept = table.startsEmpty(row) ? withoutZeros(whole, table.extents(row)) : undefined;
  const content = kept === undefined || kept.bytes === bytes ? whole : packed(whole, kept);
  table.setDigest(row, blake3(content));
  writeWhole(shard.fd, content, shard.length);
  table.placeInShard(row, shard.number, shard.length, content.length);
  shard.length += content.length;
  return content === whole ? [] : [{ row, extents: kept?.extents ?? [] }];
}

function packed(whole: Buffer, { spans, bytes }: Kept): Buffer {
  const to = viewOf(scratchAt(1), CHUNK_BYTES).subarray(0, bytes);
  let at = 0;
  for (const span of spans) at += whole.copy(to, at, span.from, span.to);
  return to;
}

function writeWhole(fd: number, content: Buffer, position: number): void {
  for (let done = 0; done < content.length;)
    done += writeSync(fd, content, done, content.length - done, position + done);
}

function sync(): void {
  if (shard === undefined) return;
  fsyncSync(shard.fd);
  closeSync(shard.fd);
  shard = undefined;
}

type Mode = 'buffered' | 'direct';
const TRIALS = 2;

/**
 * Reading past the page cache pays on some stores, and costs on others or where the file is cached already: the first chunks are read
 * in both ways, the rest in the faster one. Never by a mapping: what was verified must not change before it is used.
 */
function fillAll(table: ChunkTable, shards: readonly string[]): readonly Dropped[] {
  const rate: Record<Mode, { bytes: number; ms: number; trials: number }> = {
    buffered: { bytes: 0, ms: 0, trials: 0 },
    direct: { bytes: 0, ms: 0, trials: 0 },
  };
  const files = { buffered: openShards(shards, 0), direct: openShards(shards, constants.O_DIRECT) };
  const speed = (mode: Mode) => rate[mode].bytes / Math.max(rate[mode].ms, 0.001);
  const choose = (): Mode => {
    if (files.direct === undefined || rate.buffered.trials < TRIALS) return 'buffered';
    if (rate.direct.trials < TRIALS) return 'direct';
    return speed('direct') > speed('buffered') ? 'direct' : 'buffered';
  };
  const one = (row: number): readonly Dropped[] => {
    const mode = choose();
    const from = performance.now();
    fill(row, table, files[mode]?.[table.shard(row)], shards);
    rate[mode].bytes += table.stored(row);
    rate[mode].ms += performance.now() - from;
    rate[mode].trials += 1;
    return [];
  };
  try {
    return each(table, one);
  } finally {
    for (const fd of [...(files.buffered ?? []), ...(files.direct ?? [])]) closeSync(fd);
  }
}

/** Undefined where the file system knows no O_DIRECT. */
function openShards(paths: readonly string[], flag: number): readonly number[] | undefined {
  const fds: number[] = [];
  try {
    for (const path of paths) fds.push(openSync(path, constants.O_RDONLY | flag));
    return fds;
  } catch (error) {
    for (const fd of fds) closeSync(fd);
    if (flag !== 0) return undefined;
    throw error;
  }
}

/** Nothing is written into the process before the digest of its bytes was found right. */
function fill(row: number, table: ChunkTable, fd: number | undefined, shards: readonly string[]): void {
  const name = shards[table.shard(row)] ?? 'no shard';
  if (fd === undefined) throw new TerminalError('ArtifactInvalid', `chunk ${row} is in no shard`);
  const content = viewOf(scratchAt(0), table.stored(row));
  readWhole(fd, content, table.offset(row), name);
  if (!blake3(content).equals(table.digest(row)))
    throw new TerminalError('ArtifactDamaged', `${name} has another content at ${table.offset(row)}`);
  writeProcess(table.pid(row), table.extents(row), scratchAt(0));
}

function readWhole(fd: number, into: Buffer, position: number, name: string): void {
  for (let done = 0; done < into.length;) {
    const read = readSync(fd, into, done, into.length - done, position + done);
    if (read === 0)
      throw new TerminalError('ArtifactDamaged', `${name} ends before ${position + into.length}`);
    done += read;
  }
}

parentPort?.on('message', (task: Task) => {
  const from = performance.now();
  let reply: Reply;
  try {
    reply = { ok: true, dropped: perform(task), ms: performance.now() - from };
  } catch (error) {
    reply = { ok: false, reason: reasonOf(error, ''), message: explain(error) };
  }
  parentPort?.postMessage(reply);
});
