/**
 * Our own copy of a tree's memory, in place of CRIU's. Threads, shards and staging memory are made before anything stands still;
 * `whileFrozen` reads; `store` digests and writes when the source runs again.
 */
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile, shardFile } from '@dynamo-snapshot/api/layout';
import type { Pagemap, Run } from '../criu/pagemap';
import type { HostPid } from '../linux/ids';
import type { Region } from '../linux/memory';
import { release } from '../linux/memory';
import { totalOf } from '../linux/extent';
import { indexOf } from './catalog';
import type { Chunk } from './chunks';
import { cutChunks } from './chunks';
import type { Staging } from './decide';
import type { HeadStart } from './early';
import { EarlyCopy, NO_HEAD_START } from './early';
import { EarlyStore } from './early-store';
import { areasForHugePages } from './huge';
import type { Images } from './images';
import { closeAll, isNull, readImages, rewriteAdvice, rewritePagemap, writeThinPages } from './images';
import type { Plan } from './plan';
import { planCopy } from './plan';
import { Pool } from './pool';
import { reserve } from './staging';
import { ChunkTable } from './table';
import type { Dropped } from './task';
import type { FrozenTree } from './tree';
import { readTree } from './tree';

export interface CopyJob {
  /** Where the artifact is written. */
  readonly dir: string;
  readonly threads: number;
  readonly staging: Staging;
  /** So much of the staging memory is asked for in huge pages. */
  readonly hugeBytes: number;
  /** What the tree is expected to have. */
  readonly memoryBytes: number;
  /** Encrypts the shards. */
  readonly key?: Uint8Array;
}

export interface Copied {
  /** Bytes that the shards hold. */
  readonly bulkBytes: number;
  /** Bytes that stayed with CRIU. */
  readonly thinBytes: number;
  /** Bytes of pages of zeros, which are nowhere. */
  readonly zeroBytes: number;
}

interface Frozen {
  readonly tree: FrozenTree;
  readonly plan: Plan;
  readonly chunks: readonly Chunk[];
  readonly table: ChunkTable;
  readonly dropped: readonly Dropped[];
  /** Thin page files, written but not closed: closing may wait for a slow store. */
  readonly open: readonly number[];
}

export class MemoryCopy {
  readonly #job: CopyJob;
  readonly #pool: Pool;
  readonly #staging: Region | undefined;
  readonly #images: string;
  #frozen: Frozen | undefined;
  #early: HeadStart | undefined;
  #table: ChunkTable | undefined;

  private constructor(job: CopyJob, pool: Pool, staging: Region | undefined) {
    this.#job = job;
    this.#pool = pool;
    this.#staging = staging;
    this.#images = join(job.dir, artifactFile.images);
  }

  static async begin(job: CopyJob): Promise<MemoryCopy> {
    mkdirSync(join(job.dir, artifactFile.pages), { mode: 0o700 });
    const pool = new Pool(job.threads);
    try {
      const key = job.key === undefined ? {} : { key: job.key };
      await pool.run((shard) => ({ do: 'open', shard, path: join(job.dir, shardFile(shard)), ...key }));
      return new MemoryCopy(
        job,
        pool,
        job.staging === 'memory' ? await reserve(job.memoryBytes, job.hugeBytes, pool) : undefined,
      );
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  /** Idle between `begin` and the dump. */
  get threads(): Pool {
    return this.#pool;
  }

  /** Takes so much memory in huge pages and gives it back: they are free then. */
  async makeRoom(bytes: number): Promise<void> {
    const region = await reserve(bytes, bytes, this.#pool);
    if (region !== undefined) release(region);
  }

  /** For progress: what of how much is copied, or written. */
  get bytes(): { readonly done: number; readonly total: number } {
    return { done: this.#table?.doneBytes ?? 0, total: this.#table?.totalBytes ?? this.#job.memoryBytes };
  }

  /** As soon as the tracer has the whole tree. What goes into an encrypted shard cannot be taken back: there is no head start then. */
  beginEarly(root: HostPid, tracer: number): void {
    const held = { root, tracer };
    if (this.#staging !== undefined) this.#early = new EarlyCopy(held, this.#staging, this.#pool);
    else if (this.#job.key === undefined) this.#early = new EarlyStore(held, this.#pool);
  }

  /** Throws SplitUnproven where it cannot be told what every listed page holds; CRIU must then write the pages itself. */
  async whileFrozen(root: HostPid): Promise<void> {
    const images = await readImages(this.#images);
    const tree = onlyOurs(readTree(images, root), images);
    const plan = planCopy(tree.tasks, tree.segments);
    const hosts = new Map(tree.tasks.map(({ pid, host }) => [pid, host]));
    const chunks = cutChunks(plan.bulk);
    const table = ChunkTable.of(chunks, (pid) => hosts.get(pid) ?? 0);
    this.#table = table;
    const early = (await this.#early?.end(table, chunks)) ?? NO_HEAD_START;
    this.#place(table, early.stagingBytes);
    const copying = this.#pool.run(() => ({ do: 'copy', table: table.memory }));
    const open: number[] = [];
    try {
      for (const { pagemap, runs } of plan.thin) open.push(await this.#writeThin(tree, pagemap, runs));
      this.#frozen = {
        tree,
        plan,
        chunks,
        table,
        open,
        dropped: [...early.dropped, ...(await copying).dropped],
      };
    } catch (error) {
      await copying.catch(() => {}); // the first failure is told; no thread may still read when the source runs
      await closeAll(open);
      throw error;
    }
  }

  /** What is not copied yet: as many chunks as there is room for behind those that are; the rest goes straight into the shards. */
  #place(table: ChunkTable, usedBytes: number): void {
    let at = (this.#staging?.address ?? 0) + usedBytes;
    const end = (this.#staging?.address ?? 0) + (this.#staging?.length ?? 0);
    for (let row = 0; row < table.length && at + table.bytes(row) <= end; row += 1) {
      if (table.copied(row)) continue;
      table.placeInStaging(row, at);
      at += table.bytes(row);
    }
  }

  async #writeThin(tree: FrozenTree, pagemap: Pagemap, runs: readonly Run[]): Promise<number> {
    const source = openSource(tree, pagemap);
    try {
      return await writeThinPages(this.#images, pagemap, runs, source);
    } finally {
      closeSync(source);
    }
  }

  /** Throws SplitUnproven where CRIU ended without having asked for the copy. */
  mustBeDone(): Frozen {
    if (this.#frozen === undefined) throw new TerminalError('SplitUnproven', 'CRIU ended without our copy');
    return this.#frozen;
  }

  /** Digests, writes and syncs everything, beside whoever gives the source back. Returns what `finish` needs. */
  async store(): Promise<readonly Dropped[]> {
    const { table, open } = this.mustBeDone();
    await closeAll(open);
    table.rewind();
    const { dropped } = await this.#pool.run(() => ({ do: 'store', table: table.memory }));
    await this.#pool.run(() => ({ do: 'sync' }));
    return dropped;
  }

  /** CRIU's images become thin ones. When the source runs again: nothing else of us goes on where the store does not answer. */
  finish(dropped: readonly Dropped[]): Copied {
    const frozen = this.mustBeDone();
    const { table, plan, tree } = frozen;
    for (const { pagemap, runs } of plan.thin) rewritePagemap(this.#images, pagemap, runs);
    const advised = tree.tasks.flatMap(({ pid, areas, pagemap }) =>
      rewriteAdvice(this.#images, pid, areasForHugePages(areas, pagemap.runs)),
    );
    const index = indexOf({
      shardCount: this.#pool.threads,
      chunks: frozen.chunks,
      table,
      dropped: [...frozen.dropped, ...dropped],
      advised,
      encrypted: this.#job.key !== undefined,
    });
    writeFileSync(join(this.#job.dir, artifactFile.pagesIndex), JSON.stringify(index), { mode: 0o600 });
    const bulkBytes = index.shards.reduce((sum, shard) => sum + shard.sizeBytes, 0);
    const thinBytes = totalOf(plan.thin.flatMap(({ runs }) => runs));
    return { bulkBytes, thinBytes, zeroBytes: totalOf(plan.bulk) - bulkBytes };
  }

  /** The threads stop at the next chunk. */
  giveUp(): void {
    this.#early?.giveUp();
    this.#table?.giveUp();
  }

  /** Waits a moment at most: a source may have to be given back. Threads that hang on the store keep the staging memory. */
  close(): Promise<void> {
    return this.#pool.close(() => {
      if (this.#staging !== undefined) release(this.#staging);
    });
  }
}

/** Pagemaps whose pages CRIU wrote itself after all stay as they are. */
const onlyOurs = ({ tasks, segments }: FrozenTree, images: Images): FrozenTree => ({
  tasks: tasks.filter(({ pagemap }) => isNull(images, pagemap)),
  segments: segments.filter(({ pagemap }) => isNull(images, pagemap)),
});

/** The memory that a pagemap is of, as a file. */
function openSource({ tasks, segments }: FrozenTree, pagemap: Pagemap): number {
  const task = tasks.find((t) => t.pagemap === pagemap);
  if (task !== undefined) return openSync(`/proc/${task.host}/mem`, 'r');
  const segment = segments.find((s) => s.pagemap === pagemap);
  if (segment === undefined) throw new TerminalError('SplitUnproven', `${pagemap.name} is of nothing`);
  return segment.open();
}
