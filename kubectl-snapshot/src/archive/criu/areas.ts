/** In whose list of pages CRIU looks for a range of a process's memory: that of the process, or that of the segment it maps; pure. */
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { decodeAll } from '../../images/codec';
import type { Images } from '../../images/files';
import { fileTable } from '../../images/files';
import { area, memoryLayout } from '../../images/memory';
import type { VmaEntry } from '../../images/messages';

/** criu: include/pagemap.h. Lazy: a page server could bring it later; CRIU says so of plain anonymous memory. */
const PRESENT = 4;
const LAZY = 2;
/** asm-generic/mman-common.h */
const ANONYMOUS = 0x20;
const LOCKED = 0x2000;

/** A range in the terms of one pagemap image. */
export interface Listed {
  readonly pagemap: string;
  readonly address: number;
  readonly length: number;
  readonly flags: number;
}

export type Locate = (pid: number, address: number, length: number) => readonly Listed[];

export function locator(images: Images): Locate {
  const segments = segmentsOf(images);
  const layouts = new Map<number, readonly VmaEntry[]>();
  const layoutOf = (pid: number): readonly VmaEntry[] => {
    const known = layouts.get(pid) ?? memoryLayout(images, pid)?.vmas;
    if (known === undefined) throw invalid(`pages of process ${pid}, of which there is no mm-${pid}.img`);
    layouts.set(pid, known);
    return known;
  };
  return (pid, address, length) => {
    const found: Listed[] = [];
    const vmas = layoutOf(pid);
    for (let from = address, i = firstEndingAfter(vmas, address); from < address + length; i += 1) {
      const vma = vmas[i];
      if (vma === undefined || vma.start > from)
        throw invalid(`a page at 0x${from.toString(16)}, where process ${pid} has no memory`);
      const to = Math.min(vma.end, address + length);
      found.push({ ...place(pid, vma, from, segments), length: to - from });
      from = to;
    }
    return found;
  };
}

function place(
  pid: number,
  vma: VmaEntry,
  from: number,
  segments: ReadonlyMap<number, number>,
): Omit<Listed, 'length'> {
  if ((vma.status & (area.anonShared | area.memfd)) !== 0) {
    const id = (vma.status & area.memfd) !== 0 ? segments.get(vma.shmid) : vma.shmid;
    if (id === undefined) throw invalid(`pages of memfd ${vma.shmid}, which memfd.img does not have`);
    return { pagemap: `pagemap-shmem-${id}.img`, address: from - vma.start + vma.pgoff, flags: PRESENT };
  }
  if ((vma.status & (area.anonPrivate | area.filePrivate)) === 0)
    throw invalid(
      `pages at 0x${from.toString(16)} of process ${pid}, which are neither private nor shared memory`,
    );
  const lazy = (vma.flags & ANONYMOUS) !== 0 && (vma.flags & LOCKED) === 0;
  return { pagemap: `pagemap-${pid}.img`, address: from, flags: lazy ? PRESENT | LAZY : PRESENT };
}

/** Of areas in order. */
function firstEndingAfter(vmas: readonly VmaEntry[], address: number): number {
  let [low, high] = [0, vmas.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((vmas[middle]?.end ?? Infinity) > address) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** By the id of the open file, as areas name it. */
function segmentsOf(images: Images): ReadonlyMap<number, number> {
  const image = images.get('memfd.img');
  if (image === undefined) return new Map();
  const inodes = decodeAll('memfd_inode_entry', 'memfd.img', image);
  const byInode = new Map(inodes.map(({ inode_id, shmid }) => [inode_id, shmid]));
  return new Map(
    [...fileTable(images).values()].flatMap(({ id, memfd }) => {
      const shmid = byInode.get(memfd?.inode_id ?? -1);
      return shmid === undefined ? [] : [[id, shmid] as const];
    }),
  );
}

const invalid = (what: string): TerminalError =>
  new TerminalError('ArtifactInvalid', `pages/index.json has ${what}`);
