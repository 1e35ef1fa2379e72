/**
 * Memory of other processes, and of our own that V8 knows nothing about, through koffi. Called in the engine and its worker threads
 * only (linux/syscalls.ts says why).
 */
import koffi from 'koffi';
import type { Extent } from './extent';
import { PAGE, totalOf } from './extent';

const libc = koffi.load('libc.so.6');

const functions = {
  mmap: libc.func(
    'uintptr_t mmap(uintptr_t address, size_t length, int prot, int flags, int fd, int64_t offset)',
  ),
  munmap: libc.func('int munmap(uintptr_t address, size_t length)'),
  madvise: libc.func('int madvise(uintptr_t address, size_t length, int advice)'),
  readv: libc.func(
    'intptr_t process_vm_readv(int pid, void *local, ulong locals, void *remote, ulong remotes, ulong flags)',
  ),
  writev: libc.func(
    'intptr_t process_vm_writev(int pid, void *local, ulong locals, void *remote, ulong remotes, ulong flags)',
  ),
};

/** asm-generic/mman.h, mman-common.h */
const PROT = { NONE: 0, READ: 1, WRITE: 2 } as const;
const MAP = { SHARED: 1, PRIVATE: 2, ANONYMOUS: 0x20, NORESERVE: 0x4000 } as const;
const MADV = { DONTNEED: 4, DONTFORK: 10, HUGEPAGE: 14, NOHUGEPAGE: 15, POPULATE_WRITE: 23 } as const;
const MAP_FAILED = 2 ** 64;

/** Memory outside of the heap, at the same address in every thread of the engine. */
export type Region = Extent;

/**
 * With huge pages it is cheaper to touch, where they are free; where they are not, the kernel moves other memory first, which is dear.
 * No child of ours gets it (madvise(2), MADV_DONTFORK): a fork would make every page read-only until it is written to once more.
 */
export function allocate(length: number, hugePages: boolean): Region {
  const flags = MAP.PRIVATE | MAP.ANONYMOUS | MAP.NORESERVE;
  const address = Number(functions.mmap(0, length, PROT.READ | PROT.WRITE, flags, -1, 0));
  if (address === MAP_FAILED) throw new Error(`allocate ${length} bytes: errno ${koffi.errno()}`);
  functions.madvise(address, length, hugePages ? MADV.HUGEPAGE : MADV.NOHUGEPAGE);
  functions.madvise(address, length, MADV.DONTFORK);
  return { address, length };
}

/** A file in memory as our own memory, in huge pages also where those must be made free first; no child of ours gets it. */
export function mapShared(fd: number, length: number): Region {
  const address = Number(functions.mmap(0, length, PROT.READ | PROT.WRITE, MAP.SHARED, fd, 0));
  if (address === MAP_FAILED) throw new Error(`map ${length} bytes of a file: errno ${koffi.errno()}`);
  functions.madvise(address, length, MADV.HUGEPAGE);
  functions.madvise(address, length, MADV.DONTFORK);
  return { address, length };
}

/** Of a part of a region that was allocated without. */
export const adviseHugePages = (address: number, length: number): void =>
  void functions.madvise(address, length, MADV.HUGEPAGE);

/** Makes the kernel give the pages now (madvise(2), MADV_POPULATE_WRITE, Linux 5.14); false where it has none left or cannot. */
export const populate = (address: number, length: number): boolean =>
  Number(functions.madvise(address, length, MADV.POPULATE_WRITE)) === 0;

/** A page that nobody may read, nor the kernel on our behalf. */
let unreadable: number | undefined;

/**
 * Makes the kernel give a process the pages of the extent that are not there yet, and changes none: it is asked to write there what cannot
 * be read. It takes hold of the pages first, for writing, and then fails (mm/process_vm_access.c). It does so by 4 MiB: no extent may be
 * longer. False where the process is gone. An area that is not there any more is answered as one that is; neither is a failure.
 */
export function populateProcess(pid: number, extent: Extent): boolean {
  unreadable ??= Number(functions.mmap(0, PAGE, PROT.NONE, MAP.PRIVATE | MAP.ANONYMOUS, -1, 0));
  if (unreadable === MAP_FAILED) throw new Error(`map a page without access: errno ${koffi.errno()}`);
  const local = iovecs([{ address: unreadable, length: PAGE }]);
  const written = Number(functions.writev(pid, local, 1, iovecs([extent]), 1, 0));
  const { EFAULT, ESRCH } = koffi.os.errno;
  if (written < 0 && koffi.errno() === EFAULT) return true;
  if (written < 0 && koffi.errno() === ESRCH) return false;
  throw new Error(partial('touch', pid, [extent], written));
}

/** The kernel has the pages of our own memory back; the addresses stay ours, and are zeros. */
export const discard = (address: number, length: number): void =>
  void functions.madvise(address, length, MADV.DONTNEED);

export const release = ({ address, length }: Region): void => void functions.munmap(address, length);

/** The bytes at an address as a Buffer that shares them; valid until the region is released. */
export const viewOf = (address: number, length: number): Buffer =>
  Buffer.from(koffi.view(BigInt(address), length));

const SIZE_OF_IOVEC = 16;

function iovecs(extents: readonly Extent[]): Buffer {
  const list = Buffer.alloc(extents.length * SIZE_OF_IOVEC);
  extents.forEach(({ address, length }, i) => {
    list.writeBigUInt64LE(BigInt(address), i * SIZE_OF_IOVEC);
    list.writeBigUInt64LE(BigInt(length), i * SIZE_OF_IOVEC + 8);
  });
  return list;
}

/** Copies the extents (at most 1024: UIO_MAXIOV) of a process to `to`, one after another. Throws unless every byte was copied. */
export function readProcess(pid: number, extents: readonly Extent[], to: number): void {
  const length = totalOf(extents);
  const local = iovecs([{ address: to, length }]);
  const copied = Number(functions.readv(pid, local, 1, iovecs(extents), extents.length, 0));
  if (copied !== length) throw new Error(partial('read', pid, extents, copied));
}

/** Copies what lies at `from` into the extents of a process. Throws unless every byte was copied. */
export function writeProcess(pid: number, extents: readonly Extent[], from: number): void {
  const length = totalOf(extents);
  const local = iovecs([{ address: from, length }]);
  const copied = Number(functions.writev(pid, local, 1, iovecs(extents), extents.length, 0));
  if (copied !== length) throw new Error(partial('write', pid, extents, copied));
}

const partial = (verb: string, pid: number, extents: readonly Extent[], copied: number): string => {
  const how = copied < 0 ? `errno ${koffi.errno()}` : `${copied} of ${totalOf(extents)} bytes`;
  return `${verb} memory of process ${pid} at 0x${(extents[0]?.address ?? 0).toString(16)}: ${how}`;
};
