/** What the driver maps in its checkpoint: known by what a process maps more than before. */
import type { HostPid } from '../linux/ids';
import type { MapLine } from '../linux/maps';
import { mapsOf } from '../linux/maps';
import { orAbsent } from '../linux/proc';
import { freshAreas, SPARE } from './prefault';
import type { CudaTree } from './stop';

export interface MappedArea {
  readonly pid: HostPid;
  readonly start: number;
  readonly end: number;
}

export type Maps = ReadonlyMap<HostPid, readonly MapLine[]>;

export const mapsOfAll = ({ processes }: Pick<CudaTree, 'processes'>): Maps =>
  new Map(processes.map(({ pid }) => [pid, orAbsent(() => mapsOf(pid)) ?? []]));

/** By the rules of the prefault: an area that somebody else has mapped meanwhile is told too, if it is as large. */
export function areasSince(before: Maps, tree: Pick<CudaTree, 'processes' | 'bytes'>): readonly MappedArea[] {
  let leftBytes = tree.bytes * SPARE;
  return [...mapsOfAll(tree)].flatMap(([pid, now]) => {
    const fresh = freshAreas(now, before.get(pid) ?? [], leftBytes);
    leftBytes -= fresh.reduce((sum, { start, end }) => sum + end - start, 0);
    return fresh.map(({ start, end }) => ({ pid, start, end }));
  });
}

/** Those of which nothing is mapped any more, once the driver has restored its process: they were the driver's. */
export const unmapped = (areas: readonly MappedArea[]): readonly MappedArea[] =>
  areas.filter(({ pid, start, end }) =>
    (orAbsent(() => mapsOf(pid)) ?? []).every((m) => m.end <= start || m.start >= end),
  );
