/** Where copied memory goes while the source stands still; pure. */

export type Staging = 'memory' | 'direct';
export type StagingChoice = Staging | 'auto';

/** What stays free for everybody else on the node. */
const RESERVE_SHARE = 0.1;
const RESERVE_BYTES = 1 << 30;

export interface Room {
  readonly choice: StagingChoice;
  /** Of the tree when it is dumped. */
  readonly memoryBytes: number;
  /** What of it the driver has yet to copy there. */
  readonly growthBytes: number;
  /** The artifact takes the node's memory as well. */
  readonly storeIsMemory: boolean;
  readonly availableBytes: number;
  readonly totalBytes: number;
}

/**
 * Into memory where there is room: the source then waits for no store. The kernel's MemAvailable counts what it can take from caches;
 * a reserve stays, since a node that swaps or kills is worse than a longer stand-still.
 */
export function stagingFor(room: Room): Staging {
  const { choice, memoryBytes, growthBytes, storeIsMemory, availableBytes, totalBytes } = room;
  if (choice !== 'auto') return choice;
  const reserve = Math.max(RESERVE_BYTES, totalBytes * RESERVE_SHARE);
  const taken = growthBytes + memoryBytes * (storeIsMemory ? 2 : 1);
  return taken + reserve <= availableBytes ? 'memory' : 'direct';
}

const MOST_THREADS = 16;

/** More than the processors only take turns; beyond 16 the memory bus is full (docs/benchmarks.md). */
export const threadsFor = (wanted: number, processors: number): number =>
  wanted > 0 ? wanted : Math.max(1, Math.min(MOST_THREADS, processors));
