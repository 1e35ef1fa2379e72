/**
 * Names below a root that is not ours. A container of the pod may change it while we write, so a path is gone along folder by
 * folder, each held open and none of them a link; what is done then is done to one name in an open folder.
 */
import { closeSync, constants, lstatSync, openSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { TerminalError } from '@dynamo-snapshot/api/errors';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Not "self": mknod and mkfifo are processes of their own. */
const below = (fd: number): string => `/proc/${process.pid}/fd/${fd}`;

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** linux/limits.h, NAME_MAX */
const LONGEST_NAME = 255;

/** Parts of a path below a root. Throws RootfsUnsafe where it climbs or cannot be a name. */
export function partsOf(path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new TerminalError('RootfsUnsafe', `${path} climbs out of the root`);
  if (path.includes('\0') || parts.some((part) => Buffer.byteLength(part) > LONGEST_NAME))
    throw new TerminalError('RootfsUnsafe', `${JSON.stringify(path)} is no path`);
  return parts;
}

export class Beneath {
  readonly #root: number;
  /** The folder that was named last: entries of a tar come folder by folder. */
  #parent: { readonly path: string; readonly fd: number } | undefined;

  private constructor(root: number) {
    this.#root = root;
  }

  static root(path: string): Beneath {
    return new Beneath(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
  }

  /** A root below this one. Throws RootfsUnsafe where its path leads through a link or it is no folder. */
  folder(path: string): Beneath {
    const fd = this.#open(partsOf(path), path);
    if (fd === undefined) throw new TerminalError('RootfsUnsafe', `${path} is no folder`);
    return new Beneath(fd);
  }

  /** The name of an entry, good for one call; undefined where a folder on the way is missing. Throws RootfsUnsafe. */
  find(path: string): string | undefined {
    const parts = partsOf(path);
    const name = parts.at(-1);
    if (name === undefined) return `${below(this.#root)}/.`;
    const parent = parts.slice(0, -1);
    const key = parent.join('/');
    if (this.#parent?.path !== key) {
      const fd = this.#open(parent, path);
      if (fd === undefined) return undefined;
      this.#forget();
      this.#parent = { path: key, fd };
    }
    return `${below(this.#parent.fd)}/${name}`;
  }

  /** As `find`, for an entry that is to be made. */
  place(path: string): string {
    const at = this.find(path);
    if (at === undefined) throw new TerminalError('RootfsUnsafe', `${path}: its folder does not exist`);
    return at;
  }

  close(): void {
    this.#forget();
    closeSync(this.#root);
  }

  #forget(): void {
    if (this.#parent !== undefined) closeSync(this.#parent.fd);
    this.#parent = undefined;
  }

  #open(parts: readonly string[], path: string): number | undefined {
    let fd = openSync(`${below(this.#root)}/.`, FOLDER);
    for (const part of parts) {
      const from = fd;
      try {
        fd = openSync(`${below(from)}/${part}`, FOLDER);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw new TerminalError(
          'RootfsUnsafe',
          `${path}: ${part} is a link, or no folder (${codeOf(error)})`,
        );
      } finally {
        closeSync(from);
      }
    }
    return fd;
  }
}

/** With all that is in it; false where there was nothing. */
export function remove(at: string): boolean {
  const there = lstatSync(at, { throwIfNoEntry: false });
  if (there === undefined) return false;
  if (there.isDirectory()) {
    empty(at);
    rmdirSync(at);
  } else unlinkSync(at);
  return true;
}

/** Whatever is no folder is left as it is. */
export function empty(at: string): void {
  if (lstatSync(at, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  const fd = openSync(at, FOLDER);
  try {
    for (const name of readdirSync(below(fd))) remove(`${below(fd)}/${name}`);
  } finally {
    closeSync(fd);
  }
}

/** linux/fcntl.h: a descriptor that only names a file. */
const O_PATH = 0o10000000;

/** Runs `change` with a name of this very file that may be followed: chown and chmod know no other way. */
export function pinned(at: string, change: (file: string) => void): void {
  const fd = openSync(at, O_PATH | constants.O_NOFOLLOW);
  try {
    change(below(fd));
  } finally {
    closeSync(fd);
  }
}
