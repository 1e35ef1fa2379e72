/** Where copied memory goes while the source stands still; pure. */

export type Staging = 'memory' | 'direct';
export type StagingChoice = Staging | 'auto';

/** What stays free for everybody else on the node. */
const RESERVE_SHARE = 0.1;
const RESERVE_BYTES = 1 << 30;

const reserveOf = (totalBytes: number): number => Math.max(RESERVE_BYTES, totalBytes * RESERVE_SHARE);

export interface Room {
  readonly choice: StagingChoice;
  /** Of the tree when it is dumped. */
  readonly memoryBytes: number;
  /** What of it the driver has yet to copy there. */
  readonly growthBytes: number;
  /** The artifact takes the node's memory as well. */
  readonly storeIsMemory: boolean;
  /** Nobody waits for the source: it ends when it was captured, and no probe asks it meanwhile. */
  readonly sourceEnds: boolean;
  readonly availableBytes: number;
  readonly totalBytes: number;
}

/**
 * Into memory where there is room: the source then waits for no store. The kernel's MemAvailable counts what it can take from caches;
 * a reserve stays, since a node that swaps or kills is worse than a longer stand-still. Where nobody waits for the source, the way through
 * memory is only longer.
 */
export function stagingFor(room: Room): Staging {
  const { choice, memoryBytes, growthBytes, storeIsMemory, availableBytes, totalBytes } = room;
  if (choice !== 'auto') return choice;
  if (room.sourceEnds) return 'direct';
  const taken = growthBytes + memoryBytes * (storeIsMemory ? 2 : 1);
  return taken + reserveOf(totalBytes) <= availableBytes ? 'memory' : 'direct';
}

const HUGE = 2 << 20;
/** Others take some meanwhile. */
const SPARE = 1.25;

/**
 * Whether so much memory is asked for in huge pages. Where they are free, touching it takes two thirds of the time; where they are not,
 * the kernel moves and reclaims first, up to four times of it (docs/benchmarks.md). `freeBytes` are free in such blocks.
 */
export const hugePagesPay = (bytes: number, freeBytes: number): boolean => bytes * SPARE <= freeBytes;

/** How much of so many bytes, in whole huge pages. */
export const hugeShare = (bytes: number, freeBytes: number): number =>
  hugePagesPay(bytes, freeBytes) ? bytes : Math.min(bytes, Math.floor(freeBytes / SPARE / HUGE) * HUGE);

/** Those for which there are huge pages, the largest first. */
export function whereHugePagesPay<T extends { readonly bytes: number }>(
  areas: readonly T[],
  freeBytes: number,
): ReadonlySet<T> {
  const chosen = new Set<T>();
  let bytes = 0;
  for (const area of [...areas].sort((a, b) => b.bytes - a.bytes)) {
    if (!hugePagesPay(bytes + area.bytes, freeBytes)) continue;
    chosen.add(area);
    bytes += area.bytes;
  }
  return chosen;
}

/**
 * Whether huge pages are made free before the driver copies GPU memory into memory that it maps itself: for that the kernel takes what
 * is free, and moves nothing (kernel: admin-guide/mm/transhuge, defrag). The driver gains more than that costs.
 */
export function makesRoom(room: Room, staging: Staging, freeBytes: number): boolean {
  const { growthBytes, memoryBytes, availableBytes, totalBytes } = room;
  const taken = growthBytes + (staging === 'memory' ? memoryBytes : 0);
  return freeBytes < growthBytes && taken + reserveOf(totalBytes) <= availableBytes;
}

const MOST_THREADS = 16;

/** More than the processors only take turns; beyond 16 the memory bus is full (docs/benchmarks.md). */
export const threadsFor = (wanted: number, processors: number): number =>
  wanted > 0 ? wanted : Math.max(1, Math.min(MOST_THREADS, processors));
