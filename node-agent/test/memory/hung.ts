/** A store that does not answer: whoever opens the file sleeps in the kernel until it is let go. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChunkTable } from '../../src/memory/table';
import type { Task } from '../../src/memory/task';

export class HungStore {
  readonly #dir = mkdtempSync(join(tmpdir(), 'hung-'));
  readonly file = join(this.#dir, 'file');

  constructor() {
    execFileSync('mkfifo', [this.file]);
  }

  /** A thread that is asked this comes back when the store does. */
  readonly task = (): Task => {
    const table = ChunkTable.of([{ pid: 0, extents: [], bytes: 4, startsEmpty: false }], () => 0);
    table.placeInFile(0, 0, 0, 4);
    return { do: 'seal', table: table.memory, files: [this.file] };
  };

  /** Whether a thread of ours sleeps there. */
  get holdsOne(): boolean {
    return readdirSync('/proc/self/task').some((thread) => isOpening(thread));
  }

  /** Whoever sleeps goes on; false where nobody does. */
  answer(): boolean {
    try {
      closeSync(openSync(this.file, constants.O_WRONLY | constants.O_NONBLOCK));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENXIO') return false;
      throw error;
    }
  }

  remove(): void {
    rmSync(this.#dir, { recursive: true });
  }
}

/** openat(2), as the kernel tells what a thread sleeps in: on x86_64 and on arm64. */
const OPENAT = /^(257|56) /;

function isOpening(thread: string): boolean {
  try {
    return OPENAT.test(readFileSync(`/proc/self/task/${thread}/syscall`, 'utf8'));
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
