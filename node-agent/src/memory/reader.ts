/**
 * The restore's part of a worker thread. Files are used when the digest of their bytes was found right; memory is written into processes
 * that stand still, and that are ended unless every digest is right.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { Blake3Hasher } from '@napi-rs/blake-hash';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import { readAhead } from '../linux/ahead';
import type { Extent } from '../linux/extent';
import { viewOf, writeProcess } from '../linux/memory';
import { decrypt } from '../store/cipher';
import { readWhole, scratchAt, scratchView } from './scratch';
import type { ChunkTable } from './table';
import type { ReadTask } from './task';

type Mode = 'buffered' | 'direct';

interface Blocks {
  /** Called with each block in its order, and where it lies. */
  readonly each: (block: Buffer, address: number) => void;
  /** The whole chunk is wanted afterwards. */
  readonly kept: boolean;
}
/** The first of each kind is not counted: files are opened, memory is touched for the first time. */
const TRIALS = 3;
/**
 * What is read, digested and written at a time: it stays in a processor's caches from the first to the last. As much as a huge page: the
 * kernel clears a whole one at its first byte, and then all of it is written while it is still at hand.
 */
const BLOCK_BYTES = 2 << 20;
/** What the threads take next; as much as a disk wants to have before it at once. */
const AHEAD_BYTES = 16 << 20;
/** Times as fast: a file that is in the page cache must not be read from the disk because of a hiccup. */
const CLEARLY = 1.2;

/**
 * Reading past the page cache pays on some stores, and costs on others or where the file is cached already: the first chunks are read
 * in both ways, the rest in the faster one. Never by a mapping: what was digested must be what is used.
 */
export class RowReader {
  readonly #task: ReadTask;
  readonly #open = new Map<string, number>();
  readonly #rate: Record<Mode, { bytes: number; ms: number; trials: number }> = {
    buffered: { bytes: 0, ms: 0, trials: 0 },
    direct: { bytes: 0, ms: 0, trials: 0 },
  };
  #mayBeDirect: boolean;

  constructor(task: ReadTask) {
    this.#task = task;
    this.#mayBeDirect = task.aligned;
  }

  /** The name of the file where its content is another and all faults are wanted. */
  read(row: number, table: ChunkTable): readonly string[] {
    try {
      this.#use(row, table);
      return [];
    } catch (error) {
      if (!this.#task.all || !(error instanceof TerminalError)) throw error;
      return [explain(error)];
    }
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  #choose(): Mode {
    const { buffered, direct } = this.#rate;
    if (!this.#mayBeDirect || buffered.trials < TRIALS) return 'buffered';
    if (direct.trials < TRIALS) return 'direct';
    return direct.bytes / direct.ms > CLEARLY * (buffered.bytes / buffered.ms) ? 'direct' : 'buffered';
  }

  /**
   * Only the reading is timed: what comes after it is the same for both. Whole chunks past the page cache, for a disk likes that. What
   * need not be kept is read into the same place again and again, which is still in the processor's caches.
   */
  #load(row: number, table: ChunkTable, content: Buffer, { each, kept }: Blocks): void {
    const mode = this.#choose();
    const fd = this.#fd(table.file(row), mode);
    const name = this.#name(row, table);
    const step = mode === 'direct' ? content.length : BLOCK_BYTES;
    // The store is read while what it has given is digested and written on.
    if (mode === 'buffered') readAhead(fd, table.offset(row), content.length + AHEAD_BYTES);
    let ms = 0;
    for (let at = 0; at < content.length; at += step) {
      const place = kept ? at : 0;
      const bytes = Math.min(step, content.length - at);
      const from = performance.now();
      readWhole(fd, content.subarray(place, place + bytes), table.offset(row) + at, name);
      ms += performance.now() - from;
      for (let done = 0; done < bytes; done += BLOCK_BYTES)
        each(
          content.subarray(place + done, place + Math.min(done + BLOCK_BYTES, bytes)),
          scratchAt(0) + place + done,
        );
    }
    const rate = this.#rate[mode];
    rate.trials += 1;
    if (rate.trials === 1) return;
    rate.bytes += content.length;
    rate.ms += ms;
  }

  #name(row: number, table: ChunkTable): string {
    return this.#task.names[table.file(row)] ?? `file ${table.file(row)}`;
  }

  #use(row: number, table: ChunkTable): void {
    const hasher = new Blake3Hasher();
    const pid = table.pid(row);
    const isPlain = this.#task.key === undefined;
    const streams = isPlain && pid !== 0;
    const extents = streams ? table.extents(row) : [];
    // Right to where it shall lie: behind a gate nobody sees it before its digest was found right.
    const place = isPlain && this.#task.gate !== undefined ? onlyExtent(table.extents(row)) : undefined;
    const content =
      place === undefined
        ? scratchView().subarray(0, table.stored(row))
        : viewOf(place.address, table.stored(row));
    let at = 0;
    const each = (block: Buffer, address: number) => {
      hasher.update(block);
      if (extents.length > 0) writeProcess(pid, part(extents, at, block.length), address);
      at += block.length;
    };
    this.#load(row, table, content, { each, kept: !streams });
    if (!hasher.digestBuffer().equals(table.digest(row)))
      throw new TerminalError(
        'ArtifactDamaged',
        `${this.#name(row, table)} has another content at ${table.offset(row)}`,
      );
    if (!streams && place === undefined) this.#put(row, table, content);
  }

  #put(row: number, table: ChunkTable, content: Buffer): void {
    const { key, first } = this.#task;
    const encrypted = { content, tag: table.tag(row) };
    if (key !== undefined)
      content.set(opened(key, first + table.file(row), table.offset(row), encrypted, this.#name(row, table)));
    put(row, table, content);
  }

  #fd(file: number, mode: Mode): number {
    const id = `${mode} ${file}`;
    const path = this.#task.files[file] ?? '';
    const fd = this.#open.get(id) ?? (mode === 'direct' ? this.#openDirect(path, file) : openSync(path, 'r'));
    if (mode === 'buffered' || this.#mayBeDirect) this.#open.set(id, fd);
    return fd;
  }

  /** A file system that knows no O_DIRECT is read as usual. */
  #openDirect(path: string, file: number): number {
    try {
      return openSync(path, constants.O_RDONLY | constants.O_DIRECT);
    } catch {
      this.#mayBeDirect = false;
      return this.#fd(file, 'buffered');
    }
  }
}

function opened(
  key: Uint8Array,
  file: number,
  offset: number,
  encrypted: { readonly content: Buffer; readonly tag: Buffer },
  name: string,
): Buffer {
  try {
    return decrypt(key, file, offset, encrypted);
  } catch (cause) {
    throw new TerminalError('ArtifactDamaged', `${name} does not open at ${offset}`, { cause });
  }
}

/** What of the extents lies `at` so many bytes from their begin. */
function part(extents: readonly Extent[], at: number, length: number): readonly Extent[] {
  const found: Extent[] = [];
  let from = 0;
  for (const extent of extents) {
    const [begin, end] = [Math.max(at, from), Math.min(at + length, from + extent.length)];
    if (begin < end) found.push({ address: extent.address + begin - from, length: end - begin });
    from += extent.length;
  }
  return found;
}

const onlyExtent = (extents: readonly Extent[]): Extent | undefined =>
  extents.length === 1 ? extents[0] : undefined;

/** Into a process; into our own memory where the pid is 0; nowhere without an extent. */
function put(row: number, table: ChunkTable, content: Buffer): void {
  const extents = table.extents(row);
  if (extents.length === 0) return;
  const pid = table.pid(row);
  if (pid !== 0) return writeProcess(pid, extents, scratchAt(0));
  let at = 0;
  for (const { address, length } of extents) at += content.copy(viewOf(address, length), 0, at, at + length);
}
