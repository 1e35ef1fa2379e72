/**
 * What of a frozen tree's memory is copied by us and what stays with CRIU; pure. We fill a restored tree with process_vm_writev, so
 * ours is what lies in writable areas; pages that two tasks still share since a fork stay with CRIU, which keeps them shared.
 */
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Area } from '../criu/mm';
import type { Pagemap, Run } from '../criu/pagemap';
import { endOf, totalOf } from '../linux/extent';

/** Part of a segment as one task maps it, writable. */
export interface Mapping {
  readonly pid: number;
  readonly start: number;
  readonly end: number;
  /** In the segment. */
  readonly offset: number;
}

export interface TaskMemory {
  /** In the tree's own pid namespace, as in the names of CRIU's images. */
  readonly pid: number;
  readonly pagemap: Pagemap;
  readonly areas: readonly Area[];
  /** Ranges, in order, whose pages another task of the tree maps too. */
  readonly inherited: readonly Run[];
}

export interface SegmentMemory {
  readonly pagemap: Pagemap;
  readonly mappings: readonly Mapping[];
}

/** A range of a task that we copy. */
export interface Piece {
  readonly pid: number;
  readonly address: number;
  readonly length: number;
  /** Zero where nothing is written after a restore, so that pages of zeros can be left out. */
  readonly startsEmpty: boolean;
}

export interface Plan {
  readonly bulk: readonly Piece[];
  /** What stays with CRIU, for each pagemap. */
  readonly thin: readonly { readonly pagemap: Pagemap; readonly runs: readonly Run[] }[];
}

/** Each byte of each run is in exactly one of both. Throws SplitUnproven where that cannot be. */
export function planCopy(tasks: readonly TaskMemory[], segments: readonly SegmentMemory[]): Plan {
  const parts = [...tasks.map(splitTask), ...segments.map(splitSegment)];
  for (const { pagemap, bulk, thin } of parts)
    if (totalOf(bulk) + totalOf(thin) !== totalOf(pagemap.runs))
      throw new TerminalError(
        'SplitUnproven',
        `${pagemap.name} lists ${totalOf(pagemap.runs)} bytes, ${totalOf(bulk) + totalOf(thin)} are planned`,
      );
  return {
    bulk: parts.flatMap((part) => part.bulk),
    thin: parts.map(({ pagemap, thin }) => ({ pagemap, runs: thin })),
  };
}

interface Part {
  readonly pagemap: Pagemap;
  readonly bulk: readonly Piece[];
  readonly thin: readonly Run[];
}

interface Range<L> extends Run {
  readonly label: L;
}

interface Cut<R extends Run, L> extends Run {
  readonly of: R;
  /** Of the range that covers it; undefined where none does. */
  readonly label: L | undefined;
}

/** The runs, cut at the borders of the ranges. Both must be in order. */
function* cut<R extends Run, L>(runs: readonly R[], ranges: readonly Range<L>[]): Generator<Cut<R, L>> {
  let at = 0;
  for (const run of runs) {
    let from = run.address;
    while (from < endOf(run)) {
      while (at < ranges.length && endOf(ranges[at] as Range<L>) <= from) at += 1;
      const range = ranges[at];
      const covers = range !== undefined && range.address <= from;
      const to = Math.min(endOf(run), covers ? endOf(range) : (range?.address ?? Infinity));
      yield { of: run, address: from, length: to - from, label: covers ? range.label : undefined };
      from = to;
    }
  }
}

function splitTask({ pid, pagemap, areas, inherited }: TaskMemory): Part {
  const bulk: Piece[] = [];
  const thin: Run[] = [];
  const ranges = areas.map((area) => ({ address: area.start, length: area.end - area.start, label: area }));
  const shared = inherited.map((run) => ({ ...run, label: true }));
  for (const { label: area, of, address, length } of cut([...cut(pagemap.runs, shared)], ranges)) {
    if (area === undefined)
      throw new TerminalError('SplitUnproven', `${pagemap.name} has pages outside of every area`);
    const ours = area.writable && (area.kind === 'private' || area.kind === 'file') && of.label !== true;
    if (ours) bulk.push({ pid, address, length, startsEmpty: area.kind === 'private' });
    else thin.push({ address, length });
  }
  return { pagemap, bulk, thin };
}

/** A segment is copied through any task that maps it writable; what none does, CRIU keeps. */
function splitSegment({ pagemap, mappings }: SegmentMemory): Part {
  const bulk: Piece[] = [];
  const thin: Run[] = [];
  for (const { label: mapping, address, length } of cut(pagemap.runs, disjoint(mappings)))
    if (mapping === undefined) thin.push({ address, length });
    else
      bulk.push({
        pid: mapping.pid,
        address: mapping.start + address - mapping.offset,
        length,
        startsEmpty: true,
      });
  return { pagemap, bulk, thin };
}

/** Offsets of the segment, each with one mapping. */
function disjoint(mappings: readonly Mapping[]): readonly Range<Mapping>[] {
  const ordered = [...mappings].sort((a, b) => a.offset - b.offset);
  const ranges: Range<Mapping>[] = [];
  let covered = 0;
  for (const mapping of ordered) {
    const from = Math.max(covered, mapping.offset);
    const to = mapping.offset + mapping.end - mapping.start;
    if (to <= from) continue;
    ranges.push({ address: from, length: to - from, label: mapping });
    covered = to;
  }
  return ranges;
}
