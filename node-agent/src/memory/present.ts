/** Which memory of processes is there, by their pagemaps (kernel: admin-guide/mm/pagemap.rst). */
import { closeSync, openSync, readSync } from 'node:fs';
import { PAGE } from '../linux/extent';
import { CHUNK_BYTES } from './chunks';

const ENTRIES = Buffer.alloc((CHUNK_BYTES / PAGE) * 8);

/** Bits of the last byte of an entry. `own`: mapped here only, so neither shared since a fork nor the kernel's page of zeros. */
const BIT = { present: 0x80, own: 0x01 } as const;

export class Pagemaps {
  readonly #open = new Map<number, number>();
  readonly #bits: number;

  constructor(...needed: readonly (keyof typeof BIT)[]) {
    this.#bits = needed.reduce((bits, name) => bits | BIT[name], 0);
  }

  /** Whether every page of the chunk at this address has all that is needed. Throws where the process, or the memory, is gone. */
  isWhole(host: number, address: number): boolean {
    const read = readSync(this.#of(host), ENTRIES, 0, ENTRIES.length, (address / PAGE) * 8);
    if (read !== ENTRIES.length) throw new Error(`the pagemap ends at 0x${address.toString(16)}`);
    for (let at = 7; at < ENTRIES.length; at += 8)
      if (((ENTRIES[at] ?? 0) & this.#bits) !== this.#bits) return false;
    return true;
  }

  /** Whether the page has all that is needed. Throws where the process, or the memory, is gone. */
  isThere(host: number, address: number): boolean {
    if (readSync(this.#of(host), ENTRIES, 0, 8, (address / PAGE) * 8) !== 8)
      throw new Error(`the pagemap ends at 0x${address.toString(16)}`);
    return ((ENTRIES[7] ?? 0) & this.#bits) === this.#bits;
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  #of(host: number): number {
    const fd = this.#open.get(host) ?? openSync(`/proc/${host}/pagemap`, 'r');
    this.#open.set(host, fd);
    return fd;
  }
}
