/**
 * Writes a file without its zeros, so that what was a hole is one again. The rings that an engine has in /dev/shm are hundreds of
 * megabytes, of which a few pages were ever touched: in a tmpfs each zero that is written is memory of the pod.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';

/** Of a page; a shorter hole saves nothing. */
const BLOCK = 4096;
const ZEROS = Buffer.alloc(BLOCK);

/** O_EXCL: what was put there meanwhile is not written through. */
export function sparseFile(path: string, mode: number): Writable {
  let fd = -1;
  let size = 0;
  return new Writable({
    construct: attempt(() => (fd = openSync(path, 'wx', mode))),
    write: (chunk: Buffer, _, done) =>
      attempt(() => {
        for (const [from, to] of runs(chunk, size)) writeAll(fd, chunk.subarray(from, to), size + from);
        size += chunk.length;
      })(done),
    final: attempt(() => ftruncateSync(fd, size)),
    destroy: (error, done) => {
      if (fd >= 0) closeSync(fd);
      done(error);
    },
  });
}

const attempt =
  (work: () => unknown) =>
  (done: (error?: Error | null) => void): void => {
    try {
      work();
    } catch (error) {
      return done(error as Error);
    }
    done();
  };

/** Parts of a chunk, which begins at `at` in its file, that are not all zeros; cut at the file's blocks. */
export function runs(chunk: Buffer, at: number): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (let from = 0, to = 0; from < chunk.length; from = to) {
    to = Math.min(from + BLOCK - ((at + from) % BLOCK), chunk.length);
    if (chunk.compare(ZEROS, 0, to - from, from, to) === 0) continue;
    const last = found.at(-1);
    if (last?.[1] === from) last[1] = to;
    else found.push([from, to]);
  }
  return found;
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}
