/** Memory of our own that a copy goes into first (docs/adr/0017). */
import type { Region } from '../linux/memory';
import { adviseHugePages, allocate, release } from '../linux/memory';
import { CHUNK_BYTES } from './chunks';
import type { Pool } from './pool';

/** Pages that the kernel has given already cost nothing while the source stands still. Without them the copy goes into the shards. */
export async function reserve(bytes: number, hugeBytes: number, pool: Pool): Promise<Region | undefined> {
  const length = Math.ceil(bytes / CHUNK_BYTES) * CHUNK_BYTES;
  if (length === 0) return undefined;
  const region = allocate(length, hugeBytes >= bytes);
  if (hugeBytes > 0 && hugeBytes < bytes) adviseHugePages(region.address, hugeBytes);
  try {
    await pool.run((i) => ({ do: 'populate', region: slice(region, i, pool.threads) }));
    return region;
  } catch {
    release(region);
    return undefined;
  }
}

/** Page aligned parts of about equal size; the last may be empty. */
function slice({ address, length }: Region, i: number, count: number): Region {
  const step = Math.ceil(length / count / CHUNK_BYTES) * CHUNK_BYTES;
  const from = Math.min(i * step, length);
  return { address: address + from, length: Math.min(step, length - from) };
}
