/** Fills a restored tree with what the shards hold. */
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { PagesIndex } from '@dynamo-snapshot/api/pages';
import type { HostPid } from '../linux/ids';
import { bytesOf, extentsOf, totalBytes } from './catalog';
import { FIRST_SHARD } from '../store/cipher';
import type { Opening } from './opening';
import type { Pace } from './pace';
import type { Threads } from './pool';
import { ChunkTable } from './table';
import type { ReadTask } from './task';

export interface FillJob {
  /** Of the artifact. */
  readonly dir: string;
  /** What of it is filled in. */
  readonly index: PagesIndex;
  readonly key: Uint8Array | undefined;
  /** Whose memory it is, by the pid in the index; 0 is our own. */
  readonly hostOf: (pid: number) => number;
  /** Somebody reads it at the same time. */
  readonly gate?: { readonly opening: Opening; readonly pace: Pace };
}

export class MemoryFill {
  readonly #job: FillJob;
  readonly #table: ChunkTable;

  /** Throws RestoreUnproven where a process is not there. */
  constructor(job: FillJob) {
    this.#job = job;
    this.#table = shardTable(job.index, job.hostOf);
  }

  get bytes(): { readonly done: number; readonly total: number } {
    return { done: this.#table.doneBytes, total: totalBytes(this.#job.index) };
  }

  /** Throws ArtifactDamaged at the first chunk whose digest is another; RestoreUnproven unless every byte was written, and nobody waits any more. */
  async run(threads: Threads): Promise<number> {
    const { dir, index, key, gate } = this.#job;
    const watched = gate && { gate: { opening: gate.opening.memory, pace: gate.pace.memory } };
    await threads.run(() => ({ ...readShards(dir, index, key), ...watched, table: this.#table.memory }));
    const { done, total } = this.bytes;
    if (done !== total || gate?.opening.isWhole === false)
      throw new TerminalError('RestoreUnproven', `${done} of ${total} bytes of memory were written`);
    return total;
  }
}

/** A row for each chunk; without a target its bytes go nowhere. */
export function shardTable({ chunks }: PagesIndex, hostOf?: (pid: number) => number): ChunkTable {
  const rows = chunks.map((chunk) => ({
    pid: chunk.pid,
    extents: hostOf === undefined ? [] : extentsOf(chunk),
    bytes: bytesOf(chunk),
    startsEmpty: false,
  }));
  const table = ChunkTable.of(rows, hostOf ?? (() => 0));
  chunks.forEach((chunk, row) => {
    table.placeInFile(row, chunk.shard, chunk.offset, bytesOf(chunk));
    table.setDigest(row, Buffer.from(chunk.digest, 'hex'));
    if (chunk.tag !== undefined) table.setTag(row, Buffer.from(chunk.tag, 'base64'));
  });
  return table;
}

/** How shards are read, whatever for. */
export const readShards = (
  dir: string,
  { shards }: PagesIndex,
  key: Uint8Array | undefined,
): Omit<ReadTask, 'table'> => ({
  do: 'read',
  files: shards.map(({ path }) => join(dir, path)),
  names: shards.map(({ path }) => path),
  first: FIRST_SHARD,
  aligned: true,
  all: false,
  ...(key === undefined ? {} : { key }),
});

/** Throws RestoreUnproven for one that was not restored. */
export function hostOf(hosts: ReadonlyMap<number, HostPid>, pid: number): HostPid {
  const host = hosts.get(pid);
  if (host === undefined)
    throw new TerminalError('RestoreUnproven', `process ${pid} of the artifact was not restored`);
  return host;
}
