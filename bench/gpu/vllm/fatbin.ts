/**
 * NVIDIA's fat binaries in a library: containers of the same GPU code for many architectures, of which a GPU loads one. What it never
 * loads is blanked, so that the library compresses to a fraction; nothing moves. Pure. The format is not documented: the fields are those
 * that cuobjdump shows, and what does not look like one of them is left alone.
 */

export interface Entry {
  readonly kind: 'ptx' | 'cubin' | 'other';
  /** 90 of sm_90. */
  readonly arch: number;
  readonly offset: number;
  readonly length: number;
}

export type FatBinary = readonly Entry[];

const MAGIC = Buffer.from([0x50, 0xed, 0x55, 0xba]);
/** Magic, version 1, the size of this header, and 64 bits for the size of all entries. */
const HEADER = { VERSION: 4, OWN_SIZE: 6, SIZE: 8, BYTES: 16 } as const;
const ENTRY = { KIND: 0, OWN_SIZE: 4, SIZE: 8, ARCH: 28, LEAST_BYTES: 32, MOST_BYTES: 4096 } as const;
const KINDS: Readonly<Record<number, Entry['kind']>> = { 1: 'ptx', 2: 'cubin' };

export function fatBinaries(bytes: Buffer): readonly FatBinary[] {
  const found: FatBinary[] = [];
  for (let at = bytes.indexOf(MAGIC); at >= 0;) {
    const end = endOf(bytes, at);
    if (end !== undefined) found.push([...entries(bytes, at + HEADER.BYTES, end)]);
    at = bytes.indexOf(MAGIC, end ?? at + MAGIC.length);
  }
  return found;
}

/** Undefined where the magic is there by chance. */
function endOf(bytes: Buffer, at: number): number | undefined {
  if (at + HEADER.BYTES > bytes.length) return undefined;
  const known = bytes.readUInt16LE(at + HEADER.VERSION) === 1;
  const end = at + HEADER.BYTES + Number(bytes.readBigUInt64LE(at + HEADER.SIZE));
  return known && bytes.readUInt16LE(at + HEADER.OWN_SIZE) === HEADER.BYTES && end <= bytes.length
    ? end
    : undefined;
}

function* entries(bytes: Buffer, from: number, end: number): Generator<Entry> {
  for (let at = from; at + ENTRY.LEAST_BYTES <= end;) {
    const ownSize = bytes.readUInt32LE(at + ENTRY.OWN_SIZE);
    const length = Number(bytes.readBigUInt64LE(at + ENTRY.SIZE));
    const offset = at + ownSize;
    if (ownSize < ENTRY.LEAST_BYTES || ownSize > ENTRY.MOST_BYTES || offset + length > end)
      throw new Error(`a fat binary has an entry of another format at byte ${at}`);
    const kind = KINDS[bytes.readUInt16LE(at + ENTRY.KIND)] ?? 'other';
    yield { kind, arch: bytes.readUInt32LE(at + ENTRY.ARCH), offset, length };
    at = offset + length;
  }
}

/** Code for this architecture, or where there is none of it, code that the driver can compile for it. */
export function neededFor(arch: number, binary: FatBinary): FatBinary {
  const own = binary.filter((e) => e.kind === 'other' || (e.kind === 'cubin' && e.arch === arch));
  if (own.some((e) => e.kind === 'cubin')) return own;
  return [...own, ...binary.filter((e) => e.kind === 'ptx' && e.arch <= arch)];
}

export type Needed = (binary: FatBinary) => FatBinary;

/** In place; returns how many bytes were blanked. */
export function blank(bytes: Buffer, needed: Needed): number {
  let blanked = 0;
  for (const binary of fatBinaries(bytes)) {
    const kept = new Set(needed(binary));
    for (const entry of binary) {
      if (kept.has(entry)) continue;
      bytes.fill(0, entry.offset, entry.offset + entry.length);
      blanked += entry.length;
    }
  }
  return blanked;
}
