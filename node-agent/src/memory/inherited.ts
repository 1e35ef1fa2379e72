/** Pages that two tasks still share since a fork; pure. */
import type { Extent } from '../linux/extent';
import { endOf, PAGE } from '../linux/extent';

/** Ranges that are in the lists of two tasks at least: only there can pages be inherited, since a fork keeps addresses. */
export function overlaps(lists: readonly (readonly Extent[])[]): readonly Extent[] {
  if (lists.length < 2) return [];
  const borders = lists.flatMap((runs) =>
    runs.flatMap((run) => [
      { at: run.address, step: 1 },
      { at: endOf(run), step: -1 },
    ]),
  );
  borders.sort((a, b) => a.at - b.at || a.step - b.step);
  const found: { address: number; length: number }[] = [];
  let depth = 0;
  let from = 0;
  for (const { at, step } of borders) {
    if (depth >= 2 && at > from) append(found, from, at);
    depth += step;
    from = at;
  }
  return found;
}

function append(list: { address: number; length: number }[], from: number, to: number): void {
  const last = list.at(-1);
  if (last !== undefined && endOf(last) === from) last.length += to - from;
  else list.push({ address: from, length: to - from });
}

/**
 * Upper half of an entry of /proc/PID/pagemap (kernel: admin-guide/mm/pagemap.rst): present, swapped, of a file or shared, mapped
 * by one task alone.
 */
const BIT = { PRESENT: 1 << 31, SWAPPED: 1 << 30, FILE: 1 << 29, EXCLUSIVE: 1 << 24 } as const;

/** The pages among the entries that are not the task's alone. Of a swapped page that cannot be told: it counts as shared. */
export function sharedPages(address: number, entries: Buffer): readonly Extent[] {
  const found: { address: number; length: number }[] = [];
  for (let i = 0; i < entries.length; i += 8) {
    const bits = entries.readInt32LE(i + 4);
    const present = (bits & BIT.PRESENT) !== 0;
    const shared = present ? (bits & (BIT.EXCLUSIVE | BIT.FILE)) === 0 : (bits & BIT.SWAPPED) !== 0;
    if (shared) append(found, address + (i / 8) * PAGE, address + (i / 8 + 1) * PAGE);
  }
  return found;
}
