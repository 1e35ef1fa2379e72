/** Memory that can be had without swapping (proc_meminfo(5), MemAvailable). */
import { readFileSync } from 'node:fs';

/** Bytes; undefined where the kernel does not say. */
export function parseAvailable(text: string): number | undefined {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

export const availableMemory = (): number | undefined =>
  parseAvailable(readFileSync('/proc/meminfo', 'utf8'));
