/** Fills a restored, stopped tree with what the shards hold. */
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { PagesIndex } from '@dynamo-snapshot/api/pages';
import type { HostPid } from '../linux/ids';
import { bytesOf, extentsOf, totalBytes } from './catalog';
import { Pool } from './pool';
import { ChunkTable } from './table';

export class MemoryFill {
  readonly #dir: string;
  readonly #index: PagesIndex;
  readonly #pool: Pool;
  #table: ChunkTable | undefined;

  /** Starts the threads, so that they are there when the tree is. */
  constructor(dir: string, index: PagesIndex, threads: number) {
    this.#dir = dir;
    this.#index = index;
    this.#pool = new Pool(Math.max(1, Math.min(threads, index.chunks.length)));
  }

  get bytes(): { readonly done: number; readonly total: number } {
    return { done: this.#table?.doneBytes ?? 0, total: totalBytes(this.#index) };
  }

  /**
   * `hosts` has the restored processes by their pid in their own namespace. Throws ArtifactDamaged at the first chunk whose digest is
   * another; RestoreUnproven unless every byte that CRIU was kept from was written.
   */
  async run(hosts: ReadonlyMap<number, HostPid>): Promise<number> {
    const { chunks, shards } = this.#index;
    const rows = chunks.map((chunk) => ({
      pid: chunk.pid,
      extents: extentsOf(chunk),
      bytes: bytesOf(chunk),
      startsEmpty: false,
    }));
    const table = ChunkTable.of(rows, (pid) => hostOf(hosts, pid));
    chunks.forEach((chunk, row) => {
      table.placeInShard(row, chunk.shard, chunk.offset, bytesOf(chunk));
      table.setDigest(row, Buffer.from(chunk.digest, 'hex'));
    });
    this.#table = table;
    const paths = shards.map(({ path }) => join(this.#dir, path));
    await this.#pool.run(() => ({ do: 'fill', table: table.memory, shards: paths }));
    const { done, total } = this.bytes;
    if (done !== total)
      throw new TerminalError('RestoreUnproven', `${done} of ${total} bytes of memory were written`);
    return total;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

function hostOf(hosts: ReadonlyMap<number, HostPid>, pid: number): HostPid {
  const host = hosts.get(pid);
  if (host === undefined)
    throw new TerminalError('RestoreUnproven', `process ${pid} of the artifact was not restored`);
  return host;
}
