/** What CRIU listed of a frozen tree, and where it lies in the tasks. Read while they stand still. */
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Area } from '../criu/mm';
import { readAreas } from '../criu/mm';
import type { Pagemap } from '../criu/pagemap';
import { readPagemap } from '../criu/pagemap';
import type { Extent } from '../linux/extent';
import { PAGE } from '../linux/extent';
import type { HostPid } from '../linux/ids';
import { link, processTree, status } from '../linux/proc';
import type { MapLine } from '../linux/maps';
import { mapsOf } from '../linux/maps';
import type { Images } from './images';
import { overlaps, sharedPages } from './inherited';
import type { SegmentMemory, TaskMemory } from './plan';

export interface FrozenTask extends TaskMemory {
  readonly host: HostPid;
}

export interface FrozenSegment extends SegmentMemory {
  /** Opens it as a file, whatever of it the tasks map. */
  readonly open: () => number;
}

export interface FrozenTree {
  readonly tasks: readonly FrozenTask[];
  readonly segments: readonly FrozenSegment[];
}

interface Listed {
  readonly pid: number;
  readonly host: HostPid;
  readonly pagemap: Pagemap;
  readonly areas: readonly Area[];
  readonly maps: readonly MapLine[];
}

/** Throws SplitUnproven where a list of pages belongs to nothing that is there. */
export function readTree({ lists }: Images, root: HostPid): FrozenTree {
  const hosts = new Map(processTree(root).map((host) => [innerPid(host), host]));
  const names = [...lists.keys()];
  const listed = numbered(names, /^pagemap-(\d+)\.img$/).map(([name, pid]): Listed => {
    const host = hosts.get(pid);
    if (host === undefined) throw new TerminalError('SplitUnproven', `${name} is of no task of the tree`);
    return {
      pid,
      host,
      pagemap: readPagemap(name, listOf(lists, name)),
      areas: readAreas(`mm-${pid}.img`, listOf(lists, `mm-${pid}.img`)),
      maps: mapsOf(host),
    };
  });
  const common = overlaps(listed.map(({ pagemap }) => pagemap.runs));
  const tasks = listed.map((task) => ({
    ...task,
    inherited: common.length === 0 ? [] : pagesSharedBy(task, common),
  }));
  const segments = numbered(names, /^pagemap-shmem-(\d+)\.img$/).map(([name, id]) => ({
    pagemap: readPagemap(name, listOf(lists, name)),
    mappings: listed.flatMap((task) => mappingsOf(task, id)),
    open: () => openSegment(name, id, listed),
  }));
  return { tasks, segments };
}

function listOf(lists: Images['lists'], name: string): Buffer {
  const list = lists.get(name);
  if (list === undefined) throw new TerminalError('ImageInvalid', `CRIU wrote no ${name}`);
  return list;
}

const innerPid = (host: HostPid): number => status(host)?.nsPids.at(-1) ?? 0;

const numbered = (names: readonly string[], pattern: RegExp): readonly (readonly [string, number])[] =>
  names.flatMap((name) => {
    const id = pattern.exec(name)?.[1];
    return id === undefined ? [] : [[name, Number(id)] as const];
  });

/** CRIU names a segment by its inode, which /proc/PID/maps shows as well. */
function mappingsOf({ pid, areas, maps }: Listed, inode: number) {
  const shared = new Set(
    areas.filter((a) => a.kind === 'shared' && a.writable).map((a) => `${a.start}-${a.end}`),
  );
  return maps
    .filter((line) => line.inode === inode && line.shared && shared.has(`${line.start}-${line.end}`))
    .map(({ start, end, offset }) => ({ pid, start, end, offset }));
}

/** Through a mapping (proc(5), map_files), or through a descriptor where it is a memfd that nobody maps. */
function openSegment(name: string, inode: number, tasks: readonly Listed[]): number {
  const paths = function* (): Generator<string> {
    for (const { host, maps } of tasks)
      for (const line of maps)
        if (line.inode === inode && line.shared)
          yield `/proc/${host}/map_files/${line.start.toString(16)}-${line.end.toString(16)}`;
    for (const { host } of tasks)
      for (const fd of readdirSync(`/proc/${host}/fd`))
        if (link(`/proc/${host}/fd/${fd}`)?.startsWith('/memfd:') === true) yield `/proc/${host}/fd/${fd}`;
  };
  for (const path of paths()) {
    if (statSync(path, { throwIfNoEntry: false })?.ino !== inode) continue;
    const fd = openSync(path, 'r');
    if (fstatSync(fd).ino === inode) return fd;
    closeSync(fd);
  }
  throw new TerminalError('SplitUnproven', `the segment of ${name} cannot be opened`);
}

function pagesSharedBy({ host }: Listed, common: readonly Extent[]): readonly Extent[] {
  const fd = openSync(`/proc/${host}/pagemap`, 'r');
  try {
    return common.flatMap((extent) => {
      const entries = Buffer.alloc((extent.length / PAGE) * 8);
      const read = readSync(fd, entries, 0, entries.length, (extent.address / PAGE) * 8);
      if (read !== entries.length)
        throw new TerminalError(
          'SplitUnproven',
          `/proc/${host}/pagemap ends at 0x${extent.address.toString(16)}`,
        );
      return sharedPages(extent.address, entries);
    });
  } finally {
    closeSync(fd);
  }
}
