/** Reading ahead of need, through koffi (linux/syscalls.ts says where that may be). */
import koffi from 'koffi';

const advise = koffi
  .load('libc.so.6')
  .func('int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)');
const WILLNEED = 3;

/**
 * Has the kernel begin to read a part of a file into the page cache, and waits for nothing (posix_fadvise(2)). What is there already, or past
 * the end, costs nothing. A file system that cannot is left to itself.
 */
export const readAhead = (fd: number, offset: number, length: number): void =>
  void advise(fd, offset, length, WILLNEED);
