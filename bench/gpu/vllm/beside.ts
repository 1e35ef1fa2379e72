/**
 * What a dump of a server refers to and does not hold. In a cluster that comes with the container's files; here, where the server is
 * restored in place, it is kept while the server stands still, and laid out again before each restore: semaphores in shared memory, the
 * names that CRIU gives to unlinked files (a restore uses them up), and the log, which has grown since and must have its size of then.
 */
import {
  chmodSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

export interface Beside {
  /** While nothing of the tree runs. */
  keep(): void;
  /** When nothing of it is there any more. */
  layOut(): void;
}

/** criu/files-reg.c: create_link_remap; glibc's sem_open(3). What CRIU has not taken away begins with the name of its file. */
const NAME = /^(link_remap\.\d+|sem\..+)/;

interface Kept {
  readonly name: string;
  readonly inode: number;
  readonly mode: number;
  readonly content: Buffer;
}

/** Made before the server is started: what is in the folder by then is somebody else's. */
export class FilesBeside implements Beside {
  readonly #log: string;
  readonly #folder: string;
  readonly #others: ReadonlySet<string>;
  #kept: readonly Kept[] = [];
  #logBytes = 0;

  constructor(log: string, folder = '/dev/shm') {
    this.#log = log;
    this.#folder = folder;
    this.#others = new Set(readdirSync(folder));
  }

  get names(): readonly string[] {
    return readdirSync(this.#folder).filter((name) => NAME.test(name) && !this.#others.has(name));
  }

  keep(): void {
    this.#logBytes = statSync(this.#log).size;
    this.#kept = this.names.flatMap((name) => {
      const file = join(this.#folder, name);
      const stats = lstatSync(file);
      if (!stats.isFile()) return [];
      return [{ name, inode: stats.ino, mode: stats.mode & 0o7777, content: readFileSync(file) }];
    });
  }

  layOut(): void {
    truncateSync(this.#log, this.#logBytes);
    for (const name of this.names) rmSync(join(this.#folder, name));
    const laid = new Map<number, string>();
    for (const { name, inode, mode, content } of this.#kept) {
      const file = join(this.#folder, name);
      const first = laid.get(inode);
      if (first === undefined) {
        writeFileSync(file, content);
        chmodSync(file, mode);
      } else linkSync(first, file);
      laid.set(inode, first ?? file);
    }
  }
}
