/** /proc/PID/maps (proc_pid_maps(5)), parsed. */
import { readFileSync } from 'node:fs';
import type { HostPid } from './ids';

export interface MapLine {
  readonly start: number;
  readonly end: number;
  readonly shared: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly offset: number;
  readonly inode: number;
}

const LINE = /^([0-9a-f]+)-([0-9a-f]+) .(.)(.)([ps]) ([0-9a-f]+) \S+ (\d+)/;

export const mapsOf = (pid: HostPid): readonly MapLine[] =>
  parseMaps(readFileSync(`/proc/${pid}/maps`, 'utf8'));

export const parseMaps = (text: string): readonly MapLine[] =>
  text.split('\n').flatMap((line) => {
    const [, start = '', end = '', write, execute, sharing, offset = '', inode = ''] = LINE.exec(line) ?? [];
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
      },
    ];
  });
