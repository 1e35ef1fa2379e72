/** What worker threads are asked, and what they answer. */
import type { Extent } from '../linux/extent';
import type { Region } from '../linux/memory';
import type { BlockMemory } from './blocks';
import type { OpeningMemory } from './opening';
import type { PaceMemory } from './pace';
import type { TableMemory } from './table';

/** Absent: nothing is encrypted. */
interface WithKey {
  readonly key?: Uint8Array;
}

export interface ReadTask extends WithKey {
  readonly do: 'read';
  readonly table: TableMemory;
  /** By the rows' numbers. */
  readonly files: readonly string[];
  /** How a file is called where it is at fault. */
  readonly names: readonly string[];
  /** Number of the first file, for the cipher. */
  readonly first: number;
  /** Every offset is page aligned, so that the page cache may be passed by. */
  readonly aligned: boolean;
  /** Tell of all faults instead of ending at the first. */
  readonly all: boolean;
  /** Somebody reads the rows at the same time. */
  readonly gate?: { readonly opening: OpeningMemory; readonly pace: PaceMemory };
}

export type Task =
  /** Make the kernel give the memory. */
  | { readonly do: 'populate'; readonly region: Region }
  /** Begin a shard. */
  | ({ readonly do: 'open'; readonly path: string; readonly shard: number } & WithKey)
  /** Make the kernel give memory to processes, which may run meanwhile. */
  | { readonly do: 'touch'; readonly blocks: BlockMemory }
  /** Out of processes that CRIU works on. */
  | { readonly do: 'early'; readonly blocks: BlockMemory; readonly staging: Region }
  /** The same, where there is no staging memory: right into the shards. A row that is not there as a whole stays nowhere. */
  | { readonly do: 'early store'; readonly table: TableMemory }
  /** Take back what lies in the shard behind so many bytes. */
  | { readonly do: 'cut'; readonly length: number }
  /** Out of frozen processes. */
  | { readonly do: 'copy'; readonly table: TableMemory }
  /** What was copied into staging memory, to the shard. */
  | { readonly do: 'store'; readonly table: TableMemory }
  /** End the shard. */
  | { readonly do: 'sync' }
  /** Digest files, and encrypt them in place. */
  | ({ readonly do: 'seal'; readonly table: TableMemory; readonly files: readonly string[] } & WithKey)
  /** Verify, and put into a process, or into our own memory, or nowhere. */
  | ReadTask;

/** A row whose pages of zeros were left out: what remains of it. */
export interface Dropped {
  readonly row: number;
  readonly extents: readonly Extent[];
}

export interface Done {
  readonly dropped: readonly Dropped[];
  /** Names of files whose content is another. */
  readonly faults: readonly string[];
}

export type Reply =
  | ({ readonly ok: true } & Done)
  /** An empty reason: no TerminalError. */
  | { readonly ok: false; readonly reason: string; readonly message: string };
