/** Working memory of a thread, and reading and writing of whole chunks. */
import { readSync, writeSync } from 'node:fs';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Region } from '../linux/memory';
import { allocate, viewOf } from '../linux/memory';
import { CHUNK_BYTES } from './chunks';

let region: Region | undefined;
let view: Buffer | undefined;

/** Room for two chunks: one as it was read, one that was made of it. Page aligned, as O_DIRECT wants it. */
export function scratchAt(n: 0 | 1): number {
  region ??= allocate(2 * CHUNK_BYTES, true);
  return region.address + n * CHUNK_BYTES;
}

/** The first of both as bytes. */
export function scratchView(): Buffer {
  view ??= viewOf(scratchAt(0), CHUNK_BYTES);
  return view;
}

export function writeWhole(fd: number, content: Buffer, position: number): void {
  for (let done = 0; done < content.length;)
    done += writeSync(fd, content, done, content.length - done, position + done);
}

/** Throws ArtifactDamaged where the file ends before. */
export function readWhole(fd: number, into: Buffer, position: number, name: string): void {
  for (let done = 0; done < into.length;) {
    const read = readSync(fd, into, done, into.length - done, position + done);
    if (read === 0)
      throw new TerminalError('ArtifactDamaged', `${name} ends before ${position + into.length}`);
    done += read;
  }
}
