/** Fills a restored, stopped tree with what the shards hold. */
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { PagesIndex } from '@dynamo-snapshot/api/pages';
import type { HostPid } from '../linux/ids';
import { bytesOf, extentsOf, totalBytes } from './catalog';
import { FIRST_SHARD } from '../store/cipher';
import type { Threads } from './pool';
import { ChunkTable } from './table';
import type { ReadTask } from './task';

export class MemoryFill {
  readonly #dir: string;
  readonly #index: PagesIndex;
  readonly #key: Uint8Array | undefined;
  readonly #threads: Threads;
  #table: ChunkTable | undefined;

  constructor(dir: string, index: PagesIndex, threads: Threads, key: Uint8Array | undefined) {
    this.#dir = dir;
    this.#key = key;
    this.#index = index;
    this.#threads = threads;
  }

  get bytes(): { readonly done: number; readonly total: number } {
    return { done: this.#table?.doneBytes ?? 0, total: totalBytes(this.#index) };
  }

  /**
   * `hosts` has the restored processes by their pid in their own namespace. Throws ArtifactDamaged at the first chunk whose digest is
   * another; RestoreUnproven unless every byte that CRIU was kept from was written.
   */
  async run(hosts: ReadonlyMap<number, HostPid>): Promise<number> {
    const table = shardTable(this.#index, (pid) => hostOf(hosts, pid));
    this.#table = table;
    await this.#threads.run(() => ({
      ...readShards(this.#dir, this.#index, this.#key),
      table: table.memory,
    }));
    const { done, total } = this.bytes;
    if (done !== total)
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

function hostOf(hosts: ReadonlyMap<number, HostPid>, pid: number): HostPid {
  const host = hosts.get(pid);
  if (host === undefined)
    throw new TerminalError('RestoreUnproven', `process ${pid} of the artifact was not restored`);
  return host;
}
