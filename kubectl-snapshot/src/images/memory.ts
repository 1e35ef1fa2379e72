/** The memory of a dump, mapping by mapping: how large it is, and how much of it lies in the images. */
import type { PagesIndex } from '@dynamo-snapshot/api/pages';
import { decode, decodeAll, entriesOf } from './codec';
import type { FileTable, Images } from './files';
import { describe } from './files';
import type { MmEntry, VmaEntry } from './messages';

export const PAGE_BYTES = 4096;

export interface Mapping {
  /** A path, or [heap], [stack], [anonymous], [shared]. */
  readonly name: string;
  readonly areas: number;
  readonly sizeBytes: number;
  /** Pages in the images; the rest is taken from files, or was never touched. */
  readonly dumpedBytes: number;
}

/** Addresses of a process. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** criu: include/image.h, VMA_* */
export const area = {
  stack: 1 << 1,
  vsyscall: 1 << 2,
  vdso: 1 << 3,
  heap: 1 << 5,
  filePrivate: 1 << 6,
  fileShared: 1 << 7,
  anonShared: 1 << 8,
  anonPrivate: 1 << 9,
  sysvIpc: 1 << 10,
  vvar: 1 << 12,
  memfd: 1 << 14,
} as const;

export function memoryLayout(images: Images, pid: number): MmEntry | undefined {
  const name = `mm-${pid}.img`;
  const image = images.get(name);
  return image === undefined ? undefined : decodeAll('mm_entry', name, image)[0];
}

/** Mappings of the same name together, the largest dumped first. */
export function mappings(
  images: Images,
  pid: number,
  files: FileTable,
  dumpedElsewhere: readonly Range[] = [],
): readonly Mapping[] {
  const dumped = [...dumpedPages(images, pid), ...dumpedElsewhere];
  const byName = new Map<string, Mapping>();
  for (const vma of memoryLayout(images, pid)?.vmas ?? []) {
    if ((vma.status & area.vsyscall) !== 0) continue;
    const name = nameOf(vma, files);
    const old = byName.get(name) ?? { name, areas: 0, sizeBytes: 0, dumpedBytes: 0 };
    byName.set(name, {
      name,
      areas: old.areas + 1,
      sizeBytes: old.sizeBytes + vma.end - vma.start,
      dumpedBytes: old.dumpedBytes + dumpedWithin(vma, dumped),
    });
  }
  return [...byName.values()].sort((a, b) => b.dumpedBytes - a.dumpedBytes || b.sizeBytes - a.sizeBytes);
}

/** The first entry of a page map names the file of its pages. */
function dumpedPages(images: Images, pid: number): readonly Range[] {
  const name = `pagemap-${pid}.img`;
  const image = images.get(name);
  if (image === undefined) return [];
  return entriesOf(name, image)
    .slice(1)
    .map((entry) => decode('pagemap_entry', name, entry))
    .map(({ vaddr, nr_pages, compat_nr_pages }) => ({
      start: vaddr,
      end: vaddr + (nr_pages ?? compat_nr_pages ?? 0) * PAGE_BYTES,
    }));
}

/** What our shards have of each process. Shared memory is with the one process through which it was copied. */
export function rangesOfShards({ chunks }: PagesIndex): ReadonlyMap<number, readonly Range[]> {
  const ranges = new Map<number, Range[]>();
  for (const { pid, extents } of chunks) {
    const ofProcess = ranges.get(pid) ?? [];
    for (let i = 0; i + 1 < extents.length; i += 2) {
      const start = extents[i] ?? 0;
      ofProcess.push({ start, end: start + (extents[i + 1] ?? 0) });
    }
    ranges.set(pid, ofProcess);
  }
  return ranges;
}

const dumpedWithin = (vma: VmaEntry, dumped: readonly Range[]): number =>
  dumped.reduce((sum, range) => {
    const from = Math.max(vma.start, range.start);
    const to = Math.min(vma.end, range.end);
    return to > from ? sum + to - from : sum;
  }, 0);

/** mmap(2); how CRIU marks the stacks of today. */
const MAP_GROWSDOWN = 0x100;

function nameOf(vma: VmaEntry, files: FileTable): string {
  const is = (bit: number) => (vma.status & bit) !== 0;
  if (is(area.heap)) return '[heap]';
  if (is(area.stack) || (vma.flags & MAP_GROWSDOWN) !== 0) return '[stack]';
  if (is(area.vdso)) return '[vdso]';
  if (is(area.vvar)) return '[vvar]';
  if (is(area.memfd)) return '[memfd]';
  if (is(area.sysvIpc)) return '[System V shared memory]';
  if (is(area.filePrivate) || is(area.fileShared)) return describe(files.get(vma.shmid), vma.shmid);
  return is(area.anonShared) ? '[shared]' : '[anonymous]';
}
