/** The restore's part of a worker thread: nothing is used before the digest of its bytes was found right. */
import { closeSync, constants, openSync } from 'node:fs';
import { blake3 } from '@napi-rs/blake-hash';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import { viewOf, writeProcess } from '../linux/memory';
import { decrypt } from '../store/cipher';
import { readWhole, scratchAt } from './scratch';
import type { ChunkTable } from './table';
import type { ReadTask } from './task';

type Mode = 'buffered' | 'direct';
/** The first of each kind is not counted: files are opened, memory is touched for the first time. */
const TRIALS = 3;
/** Times as fast: a file that is in the page cache must not be read from the disk because of a hiccup. */
const CLEARLY = 1.2;

/**
 * Reading past the page cache pays on some stores, and costs on others or where the file is cached already: the first chunks are read
 * in both ways, the rest in the faster one. Never by a mapping: what was verified must not change before it is used.
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

  /** Only the reading is timed: what comes after it is the same for both. */
  #load(row: number, table: ChunkTable, content: Buffer, name: string): void {
    const mode = this.#choose();
    const fd = this.#fd(table.file(row), mode);
    const from = performance.now();
    readWhole(fd, content, table.offset(row), name);
    const rate = this.#rate[mode];
    rate.trials += 1;
    if (rate.trials === 1) return;
    rate.bytes += content.length;
    rate.ms += performance.now() - from;
  }

  #use(row: number, table: ChunkTable): void {
    const { key, first, names } = this.#task;
    const [file, offset] = [table.file(row), table.offset(row)];
    const name = names[file] ?? `file ${file}`;
    const content = viewOf(scratchAt(0), table.stored(row));
    this.#load(row, table, content, name);
    if (!blake3(content).equals(table.digest(row)))
      throw new TerminalError('ArtifactDamaged', `${name} has another content at ${offset}`);
    if (key !== undefined)
      content.set(opened(key, first + file, offset, { content, tag: table.tag(row) }, name));
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

/** Into a process; into our own memory where the pid is 0; nowhere without an extent. */
function put(row: number, table: ChunkTable, content: Buffer): void {
  const extents = table.extents(row);
  const [first] = extents;
  if (first === undefined) return;
  const pid = table.pid(row);
  if (pid === 0) content.copy(viewOf(first.address, first.length));
  else writeProcess(pid, extents, scratchAt(0));
}
