/** Cuts the copied ranges into chunks: what one thread copies, digests and writes at a time; pure. */
import type { Extent } from '../linux/extent';
import { endOf } from '../linux/extent';
import type { Piece } from './plan';

export const CHUNK_BYTES = 4 << 20;

/** Chunks of many small ranges stay below the number of extents that one call takes: no extent is shorter than a page. */
export interface Chunk {
  readonly pid: number;
  readonly extents: readonly Extent[];
  readonly bytes: number;
  readonly startsEmpty: boolean;
}

/**
 * In the order of the pieces. Ranges are cut at multiples of the chunk size, so that no two threads fill one huge page; before that, those
 * that only CRIU's lists have cut (each MiB) become one again.
 */
export function cutChunks(pieces: readonly Piece[]): readonly Chunk[] {
  const chunks: Chunk[] = [];
  let open:
    | { pid: number; extents: { address: number; length: number }[]; bytes: number; startsEmpty: boolean }
    | undefined;
  for (const { pid, startsEmpty, ...piece } of joined(pieces))
    for (const part of aligned(piece)) {
      const fits =
        open?.pid === pid && open.startsEmpty === startsEmpty && open.bytes + part.length <= CHUNK_BYTES;
      if (open === undefined || !fits) chunks.push((open = { pid, extents: [], bytes: 0, startsEmpty }));
      const last = open.extents.at(-1);
      if (last !== undefined && endOf(last) === part.address) last.length += part.length;
      else open.extents.push({ ...part });
      open.bytes += part.length;
    }
  return chunks;
}

function* joined(pieces: readonly Piece[]): Generator<Piece> {
  let open: Piece | undefined;
  for (const piece of pieces) {
    const goesOn =
      open?.pid === piece.pid && open.startsEmpty === piece.startsEmpty && endOf(open) === piece.address;
    if (open !== undefined && goesOn) open = { ...open, length: open.length + piece.length };
    else {
      if (open !== undefined) yield open;
      open = piece;
    }
  }
  if (open !== undefined) yield open;
}

function* aligned({ address, length }: Extent): Generator<Extent> {
  const end = endOf({ address, length });
  for (let from = address; from < end;) {
    const to = Math.min(end, (Math.floor(from / CHUNK_BYTES) + 1) * CHUNK_BYTES);
    yield { address: from, length: to - from };
    from = to;
  }
}
