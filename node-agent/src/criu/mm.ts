/** mm-*.img: the memory areas of a task (criu: images/mm.proto, vma.proto, include/image.h); pure. */
import { constants } from 'node:fs';
import protobuf from 'protobufjs';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { asField, fields, understood, withNumbers } from './fields';
import { readImage, writeImage } from './image';

const proto = `
syntax = "proto2";
message vma_entry {
  required uint64 start = 1; required uint64 end = 2; required uint64 pgoff = 3; required uint64 shmid = 4;
  required uint32 prot = 5; required uint32 flags = 6; required uint32 status = 7; required sint64 fd = 8;
  optional uint64 madv = 9; optional uint32 fdflags = 10;
}
`;
const vmaType = protobuf.parse(proto, { keepCase: true }).root.lookupType('vma_entry');

/** Field of mm_entry that repeats vma_entry. */
const VMAS = 14;
/** Fields of vma_entry. madv has a bit for each advice of madvise(2) that the restorer gives again; shmid is the file's number in files.img. */
const FIELD = { start: 1, end: 2, pgoff: 3, shmid: 4, flags: 6, status: 7, madv: 9, fdflags: 10 } as const;

interface Vma {
  readonly start: number;
  readonly end: number;
  readonly prot: number;
  readonly flags: number;
  readonly status: number;
  readonly madv?: number;
}

const vmaOf = (content: Uint8Array): Vma =>
  vmaType.toObject(vmaType.decode(content), { longs: Number }) as Vma;

/** asm-generic/mman-common.h */
const ADVICE = { HUGEPAGE: 14, NOHUGEPAGE: 15 } as const;
const PROT_WRITE = 2;
const MAP = { SHARED: 1, ANONYMOUS: 0x20, HUGETLB: 0x40000 } as const;

/** criu: include/image.h */
const AREA = {
  REGULAR: 1 << 0,
  STACK: 1 << 1,
  VSYSCALL: 1 << 2,
  VDSO: 1 << 3,
  FILE_PRIVATE: 1 << 6,
  ANON_SHARED: 1 << 8,
  ANON_PRIVATE: 1 << 9,
  SYSVIPC: 1 << 10,
  SOCKET: 1 << 11,
  VVAR: 1 << 12,
  AIORING: 1 << 13,
  MEMFD: 1 << 14,
  SHADOW_STACK: 1 << 15,
} as const;
const SPECIAL =
  AREA.STACK |
  AREA.VSYSCALL |
  AREA.VDSO |
  AREA.SYSVIPC |
  AREA.SOCKET |
  AREA.VVAR |
  AREA.AIORING |
  AREA.SHADOW_STACK;

export interface Area {
  readonly start: number;
  readonly end: number;
  /** `private`: anonymous; `file`: private pages over a file; `shared`: part of a segment of memory; `other`: for CRIU alone. */
  readonly kind: 'private' | 'file' | 'shared' | 'other';
  readonly writable: boolean;
  readonly mayHaveHugePages: boolean;
}

export function readAreas(name: string, bytes: Buffer): readonly Area[] {
  const [message] = readImage(name, bytes).messages;
  if (message === undefined) throw new TerminalError('ImageInvalid', `${name} is empty`);
  return understood(name, () =>
    fields(message)
      .filter((field) => field.number === VMAS)
      .map(({ content }) => areaOf(content)),
  );
}

function areaOf(content: Uint8Array): Area {
  const vma = vmaOf(content);
  const kind = kindOf(vma.status, vma.flags);
  // A number, not an integer of 32 bits: advice above 31 exists.
  const refused = Math.floor((vma.madv ?? 0) / 2 ** ADVICE.NOHUGEPAGE) % 2 === 1;
  return {
    start: vma.start,
    end: vma.end,
    kind,
    writable: (vma.prot & PROT_WRITE) !== 0,
    mayHaveHugePages: kind === 'private' && !refused,
  };
}

function kindOf(status: number, flags: number): Area['kind'] {
  if ((status & AREA.REGULAR) === 0 || (status & SPECIAL) !== 0 || (flags & MAP.HUGETLB) !== 0)
    return 'other';
  if ((status & AREA.ANON_PRIVATE) !== 0) return 'private';
  if ((status & AREA.FILE_PRIVATE) !== 0) return 'file';
  // CRIU takes anonymous shared memory for a memfd where the kernel lets it open one.
  const inMemory = (status & (AREA.ANON_SHARED | AREA.MEMFD)) !== 0;
  return inMemory && (flags & MAP.SHARED) !== 0 ? 'shared' : 'other';
}

export interface Advised {
  readonly bytes: Buffer;
  /** Advice bits of the areas that were changed, as they were. */
  readonly before: readonly { readonly start: number; readonly madv: number }[];
}

/** The image with MADV_HUGEPAGE for the areas that begin at `starts`; everything else is kept byte by byte. */
export function adviseHugePages(name: string, bytes: Buffer, starts: ReadonlySet<number>): Advised {
  const before: { start: number; madv: number }[] = [];
  const edited = changeAdvice(name, bytes, (start, madv) => {
    if (!starts.has(start)) return undefined;
    before.push({ start, madv });
    return BigInt(madv) | (1n << BigInt(ADVICE.HUGEPAGE));
  });
  return { bytes: edited, before };
}

/** The image with the advice that areas had. */
export function adviseAsBefore(name: string, bytes: Buffer, before: Advised['before']): Buffer {
  const had = new Map(before.map(({ start, madv }) => [start, BigInt(madv)]));
  return changeAdvice(name, bytes, (start) => had.get(start));
}

/** `change` gives the new advice of an area; undefined leaves it as it is. */
const changeAdvice = (
  name: string,
  bytes: Buffer,
  change: (start: number, madv: number) => bigint | undefined,
): Buffer =>
  changeAreas(name, bytes, ({ start, madv = 0 }, content) => {
    const advice = change(start, madv);
    return advice === undefined ? undefined : [withNumbers(content, new Map([[FIELD.madv, advice]]))];
  });

export interface MappedRange {
  readonly start: number;
  readonly end: number;
  /** In the file. */
  readonly offset: number;
}

/**
 * The image with the ranges, each within an area of private memory, as private mappings of a file of files.img. What lies around them in
 * their areas stays what it was.
 */
export const mapRanges = (
  name: string,
  bytes: Buffer,
  ranges: readonly MappedRange[],
  fileId: number,
): Buffer =>
  changeAreas(name, bytes, (vma, content) => {
    const within = ranges.filter(({ start, end }) => start >= vma.start && end <= vma.end);
    if (within.length === 0) return undefined;
    const pieces: Buffer[] = [];
    let at = vma.start;
    const plain = (end: number) =>
      void (at < end && pieces.push(withNumbers(content, spanOf({ start: at, end }))));
    for (const range of [...within].sort((a, b) => a.start - b.start)) {
      plain(range.start);
      pieces.push(withNumbers(content, mappingOf(vma, range, fileId)));
      at = range.end;
    }
    plain(vma.end);
    return pieces;
  });

const spanOf = ({ start, end }: { readonly start: number; readonly end: number }): Map<number, bigint> =>
  new Map([
    [FIELD.start, BigInt(start)],
    [FIELD.end, BigInt(end)],
  ]);

const mappingOf = ({ flags, status }: Vma, range: MappedRange, fileId: number): Map<number, bigint> =>
  new Map([
    ...spanOf(range),
    [FIELD.pgoff, BigInt(range.offset)],
    [FIELD.shmid, BigInt(fileId)],
    [FIELD.flags, BigInt(flags & ~MAP.ANONYMOUS)],
    [FIELD.status, BigInt((status & ~AREA.ANON_PRIVATE) | AREA.FILE_PRIVATE)],
    [FIELD.madv, 0n],
    [FIELD.fdflags, BigInt(constants.O_RDWR)],
  ]);

/** `change` gives what stands in the place of an area; undefined leaves it as its bytes are. */
function changeAreas(
  name: string,
  bytes: Buffer,
  change: (vma: Vma, content: Uint8Array) => readonly Uint8Array[] | undefined,
): Buffer {
  const { magic, messages } = readImage(name, bytes);
  const edit = (message: Buffer): Buffer =>
    Buffer.concat(
      fields(message).flatMap((field) => {
        if (field.number !== VMAS) return [field.raw];
        const areas = change(vmaOf(field.content), field.content);
        return areas === undefined ? [field.raw] : areas.map((area) => asField(VMAS, area));
      }),
    );
  const [first, ...rest] = messages;
  if (first === undefined) throw new TerminalError('ImageInvalid', `${name} is empty`);
  return writeImage({ magic, messages: [understood(name, () => edit(first)), ...rest] });
}
