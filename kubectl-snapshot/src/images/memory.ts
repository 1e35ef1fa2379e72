/** The memory of a dump, mapping by mapping: how large it is, and how much of it lies in the images. */
import { decode, decodeAll, entriesOf } from './codec';
import type { FileTable, Images } from './files';
import { describe } from './files';
import type { MmEntry, PagemapEntry, VmaEntry } from './messages';

export const PAGE_BYTES = 4096;

export interface Mapping {
  /** A path, or [heap], [stack], [anonymous], [shared]. */
  readonly name: string;
  readonly areas: number;
  readonly sizeBytes: number;
  /** Pages in the images; the rest is taken from files, or was never touched. */
  readonly dumpedBytes: number;
}

/** criu: include/image.h, VMA_* */
const area = {
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
export function mappings(images: Images, pid: number, files: FileTable): readonly Mapping[] {
  const pages = dumpedPages(images, pid);
  const byName = new Map<string, Mapping>();
  for (const vma of memoryLayout(images, pid)?.vmas ?? []) {
    if ((vma.status & area.vsyscall) !== 0) continue;
    const name = nameOf(vma, files);
    const old = byName.get(name) ?? { name, areas: 0, sizeBytes: 0, dumpedBytes: 0 };
    byName.set(name, {
      name,
      areas: old.areas + 1,
      sizeBytes: old.sizeBytes + vma.end - vma.start,
      dumpedBytes: old.dumpedBytes + dumpedWithin(vma, pages),
    });
  }
  return [...byName.values()].sort((a, b) => b.dumpedBytes - a.dumpedBytes || b.sizeBytes - a.sizeBytes);
}

/** The first entry of a page map names the file of its pages. */
function dumpedPages(images: Images, pid: number): readonly PagemapEntry[] {
  const name = `pagemap-${pid}.img`;
  const image = images.get(name);
  if (image === undefined) return [];
  return entriesOf(name, image)
    .slice(1)
    .map((entry) => decode('pagemap_entry', name, entry));
}

const dumpedWithin = (vma: VmaEntry, pages: readonly PagemapEntry[]): number =>
  pages.reduce((sum, { vaddr, nr_pages, compat_nr_pages }) => {
    const from = Math.max(vma.start, vaddr);
    const to = Math.min(vma.end, vaddr + (nr_pages ?? compat_nr_pages ?? 0) * PAGE_BYTES);
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
