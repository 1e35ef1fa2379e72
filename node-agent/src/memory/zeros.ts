/** Pages of zeros, which need not be kept where memory starts empty; pure. */
import type { Extent } from '../linux/extent';
import { PAGE } from '../linux/extent';

const EMPTY = Buffer.alloc(PAGE);

export interface Kept {
  /** Of the process. */
  readonly extents: readonly Extent[];
  /** Of the copy; as many bytes as the extents, in the same order. */
  readonly spans: readonly { readonly from: number; readonly to: number }[];
  readonly bytes: number;
}

/** What of a chunk's copy is not zero. */
export function withoutZeros(copy: Buffer, extents: readonly Extent[]): Kept {
  const kept: { address: number; length: number }[] = [];
  const spans: { from: number; to: number }[] = [];
  let bytes = 0;
  let at = 0;
  for (const { address, length } of extents)
    for (let done = 0; done < length; done += PAGE, at += PAGE) {
      if (isZero(copy, at)) continue;
      bytes += PAGE;
      grow(kept, address + done);
      const span = spans.at(-1);
      if (span?.to === at) span.to += PAGE;
      else spans.push({ from: at, to: at + PAGE });
    }
  return { extents: kept, spans, bytes };
}

/** Most pages differ in their first word; only the others are compared as a whole. */
const isZero = (copy: Buffer, at: number): boolean =>
  copy[at] === 0 && copy[at + PAGE / 2] === 0 && copy.compare(EMPTY, 0, PAGE, at, at + PAGE) === 0;

function grow(extents: { address: number; length: number }[], address: number): void {
  const last = extents.at(-1);
  if (last !== undefined && last.address + last.length === address) last.length += PAGE;
  else extents.push({ address, length: PAGE });
}
