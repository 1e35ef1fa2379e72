/** Which areas shall get huge pages when they are restored; pure. */
import type { Area } from '../criu/mm';
import type { Extent } from '../linux/extent';
import { endOf } from '../linux/extent';

const HUGE = 2 << 20;

/** A huge page is whole or not at all: an area whose touched huge pages are emptier than this would grow too much. */
const LEAST_FULL = 0.85;

/** Starts of the areas. Runs and areas must be in order. */
export function areasForHugePages(areas: readonly Area[], runs: readonly Extent[]): ReadonlySet<number> {
  const starts = new Set<number>();
  let at = 0;
  for (const { start, end, mayHaveHugePages } of areas) {
    while (at < runs.length && endOf(runs[at] as Extent) <= start) at += 1;
    if (!mayHaveHugePages || end - start < HUGE) continue;
    const within: Extent[] = [];
    for (let i = at; i < runs.length && (runs[i] as Extent).address < end; i += 1)
      within.push(runs[i] as Extent);
    if (isFull(start, end, within)) starts.add(start);
  }
  return starts;
}

/** Only blocks that lie whole within the area can become huge pages. */
function isFull(start: number, end: number, runs: readonly Extent[]): boolean {
  const [first, last] = [Math.ceil(start / HUGE), Math.floor(end / HUGE)];
  let present = 0;
  let touched = 0;
  let counted = first - 1;
  for (const run of runs) {
    const from = Math.max(run.address, first * HUGE);
    const to = Math.min(endOf(run), last * HUGE);
    if (from >= to) continue;
    present += to - from;
    const [one, other] = [Math.floor(from / HUGE), Math.floor((to - 1) / HUGE)];
    touched += other - Math.max(one, counted + 1) + 1;
    counted = other;
  }
  return touched > 0 && present / (touched * HUGE) >= LEAST_FULL;
}
