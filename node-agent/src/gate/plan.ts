/**
 * What of an artifact's memory only the driver reads, in its restore, so that it may be filled in meanwhile behind a gate; pure. The source's
 * driver mapped it in its checkpoint, and unmaps it when it is restored (docs/adr/0047).
 */
import type { PagesChunk, PagesIndex } from '@dynamo-snapshot/api/pages';
import type { Area } from '../criu/mm';
import type { Extent } from '../linux/extent';
import { endOf, totalOf } from '../linux/extent';
import { extentsOf } from '../memory/catalog';

/** Of one process, by its pid in its own namespace. */
export interface DriverArea {
  readonly pid: number;
  readonly start: number;
  readonly end: number;
}

export interface GatedArea extends DriverArea {
  /** In the file behind the gate; as far from the begin of a huge page as the address is. */
  readonly offset: number;
}

/** A chunk behind the gate; once it and all before it are there, the range may be opened. */
export interface GatedChunk {
  readonly chunk: PagesChunk;
  readonly area: GatedArea;
  readonly opens: { readonly from: number; readonly to: number };
}

export interface GatePlan {
  readonly areas: readonly GatedArea[];
  readonly fileBytes: number;
  /** In the order in which they are opened. */
  readonly gated: readonly GatedChunk[];
  /** What must be there before the tree runs. */
  readonly rest: readonly PagesChunk[];
}

const HUGE = 2 << 20;
/** Filled in a few hundredths of a second: not worth a gate. */
const WORTH_BYTES = 64 << 20;

/** So many zeros in a row stay outside; with fewer, a large area would become more areas than a process may have (vm.max_map_count). */
const GAP_BYTES = 32 << 20;

const floorHuge = (address: number): number => Math.floor(address / HUGE) * HUGE;
const ceilHuge = (address: number): number => Math.ceil(address / HUGE) * HUGE;

/** Undefined where nothing is worth a gate. `areasOf` has the areas of a process in CRIU's images. */
export function planGate(
  wanted: readonly DriverArea[],
  { chunks }: Pick<PagesIndex, 'chunks'>,
  areasOf: (pid: number) => readonly Area[],
): GatePlan | undefined {
  const areas: GatedArea[] = [];
  const gated: GatedChunk[] = [];
  let fileBytes = 0;
  for (const area of wanted) {
    const found = isPlain(area, areasOf(area.pid)) ? within(area, chunks) : undefined;
    for (const { start, end, chunks: own } of found === undefined ? [] : withoutGaps(found)) {
      const offset = ceilHuge(fileBytes) + (start % HUGE);
      const placed = { pid: area.pid, start, end, offset };
      fileBytes = offset + end - start;
      areas.push(placed);
      gated.push(...opening(placed, own));
    }
  }
  if (areas.length === 0) return undefined;
  const behind = new Set(gated.map(({ chunk }) => chunk));
  return { areas, gated, fileBytes: ceilHuge(fileBytes), rest: chunks.filter((chunk) => !behind.has(chunk)) };
}

const isPlain = ({ start, end }: DriverArea, areas: readonly Area[]): boolean =>
  areas.some((area) => area.kind === 'private' && area.writable && area.start <= start && end <= area.end);

interface Found {
  readonly start: number;
  readonly end: number;
  readonly chunks: readonly PagesChunk[];
}

/** A chunk may go on into the next area: what it has of this one, at its border, stays outside of the gate. */
function within({ pid, start, end }: DriverArea, chunks: readonly PagesChunk[]): Found | undefined {
  const isIn = (extent: Extent) => extent.address >= start && endOf(extent) <= end;
  const mine = chunks.filter((chunk) => chunk.pid === pid && extentsOf(chunk).some(isIn));
  const whole = mine.filter((chunk) => extentsOf(chunk).every(isIn)).sort((a, b) => firstOf(a) - firstOf(b));
  const [first, last] = [whole[0], whole.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  if (totalOf(whole.flatMap(extentsOf)) < WORTH_BYTES) return undefined;
  const [from, to] = [firstOf(first), lastOf(last)];
  const own = new Set(whole);
  const others = mine.filter((chunk) => !own.has(chunk)).flatMap((chunk) => extentsOf(chunk).filter(isIn));
  if (others.some((extent) => endOf(extent) > from && extent.address < to)) return undefined;
  return {
    start: Math.max(start, ...others.map(endOf).filter((address) => address <= from)),
    end: Math.min(end, ...others.map(({ address }) => address).filter((address) => address >= to)),
    chunks: whole,
  };
}

/**
 * Pages of zeros are in no chunk. A GPU may be full of them (a cache that is still empty): read from the area as it was they are the kernel's one
 * huge page of zeros; in the file each would be made, by the very thread that reads it.
 */
function withoutGaps({ start, end, chunks }: Found): readonly Found[] {
  const runs: { start: number; end: number; chunks: PagesChunk[] }[] = [];
  let at = start;
  for (const chunk of chunks) {
    const [run, first] = [runs.at(-1), firstOf(chunk)];
    const isGap = first - at >= GAP_BYTES;
    if (run !== undefined && !isGap) run.chunks.push(chunk);
    else {
      if (run !== undefined) run.end = ceilHuge(at);
      runs.push({ start: isGap ? floorHuge(first) : start, end, chunks: [chunk] });
    }
    at = Math.max(at, lastOf(chunk));
  }
  const last = runs.at(-1);
  if (last !== undefined && end - at >= GAP_BYTES) last.end = ceilHuge(at);
  return runs;
}

const firstOf = (chunk: PagesChunk): number => chunk.extents[0] ?? 0;
const lastOf = (chunk: PagesChunk): number => Math.max(...extentsOf(chunk).map(endOf));

/** Up to the last huge page that is there as a whole: half of one would be mapped by its small pages. */
function opening(area: GatedArea, chunks: readonly PagesChunk[]): readonly GatedChunk[] {
  let from = area.start;
  return chunks.map((chunk, i) => {
    const next = chunks[i + 1];
    const to = next === undefined ? area.end : Math.max(from, floorHuge(firstOf(next)));
    const opens = { from, to };
    from = to;
    return { chunk, area, opens };
  });
}
