/** /proc/PID/maps (proc_pid_maps(5)), parsed. */
import { readFileSync } from 'node:fs';
import type { Extent } from './extent';
import type { HostPid } from './ids';

export interface MapLine {
  readonly start: number;
  readonly end: number;
  readonly shared: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly offset: number;
  readonly inode: number;
  /** A file, or a name that the kernel or the process gave it: [heap], [anon:…]. */
  readonly named: boolean;
}

const LINE = /^([0-9a-f]+)-([0-9a-f]+) .(.)(.)([ps]) ([0-9a-f]+) \S+ (\d+)\s*(\S?)/;

export const mapsOf = (pid: HostPid): readonly MapLine[] =>
  parseMaps(readFileSync(`/proc/${pid}/maps`, 'utf8'));

export const parseMaps = (text: string): readonly MapLine[] =>
  text.split('\n').flatMap((line) => {
    const [, start = '', end = '', write, execute, sharing, offset = '', inode = '', name] =
      LINE.exec(line) ?? [];
    if (sharing === undefined) return [];
    return [
      {
        start: parseInt(start, 16),
        end: parseInt(end, 16),
        shared: sharing === 's',
        writable: write === 'w',
        executable: execute === 'x',
        offset: parseInt(offset, 16),
        inode: Number(inode),
        named: name !== '',
      },
    ];
  });

/** Areas whose missing pages wait for a userfaultfd (proc_pid_smaps(5), VmFlags um and ui). */
export function guardedAreas(pid: HostPid): readonly Extent[] {
  const guarded: Extent[] = [];
  let area: MapLine | undefined;
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    const [begun] = parseMaps(line);
    if (begun !== undefined) area = begun;
    else if (area !== undefined && /^VmFlags:.* u[mi]( |$)/.test(line))
      guarded.push({ address: area.start, length: area.end - area.start });
  }
  return guarded;
}

/** What of the areas is in none of the others. */
export const without = (areas: readonly MapLine[], others: readonly MapLine[]): readonly MapLine[] =>
  others.reduce<readonly MapLine[]>(
    (left, other) =>
      left.flatMap((area) =>
        other.end <= area.start || other.start >= area.end
          ? [area]
          : [
              { ...area, end: Math.max(area.start, other.start) },
              { ...area, start: Math.min(area.end, other.end) },
            ].filter(({ start, end }) => start < end),
      ),
    areas,
  );
