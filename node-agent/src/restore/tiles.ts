/**
 * Whether the restored processes may use AMX tiles. Nobody can tell from outside which of them had asked for that. But the kernel lets only those
 * ask whose stacks for signals have room for tiles: where a thread has a smaller one, its program knew nothing of them. Pure.
 */
import { isCoreImage, threadState } from '../criu/core';

const FEATURE = 'amx_tile';

export interface Tree {
  /** Of the processor on which it was captured. */
  readonly cpuFeatures: readonly string[];
  /** By path. */
  readonly images: ReadonlyMap<string, Buffer>;
}

/** `leastStackBytes`: what the kernel wants of a stack for signals here, tiles included. */
export function mayUseTiles({ cpuFeatures, images }: Tree, leastStackBytes: number): boolean {
  if (!cpuFeatures.includes(FEATURE)) return false;
  return [...images]
    .filter(([path]) => isCoreImage(path))
    .map(([path, bytes]) => threadState(path, bytes).altStackBytes)
    .every((bytes) => bytes === 0 || bytes >= leastStackBytes);
}

/** getauxval(3) */
const AT_MINSIGSTKSZ = 51n;

/** Of /proc/self/auxv: pairs of 64-bit words. 0 where the kernel does not say it. */
export function leastStack(auxv: Buffer): number {
  for (let at = 0; at + 16 <= auxv.length; at += 16)
    if (auxv.readBigUInt64LE(at) === AT_MINSIGSTKSZ) return Number(auxv.readBigUInt64LE(at + 8));
  return 0;
}
