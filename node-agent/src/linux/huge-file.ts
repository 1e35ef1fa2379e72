/** A file in memory, in huge pages where there are some, that has no name and lies on a file system of its own. */
import { closeSync, constants, ftruncateSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { succeeded } from './succeeded';

const libc = koffi.load('libc.so.6');

const functions = {
  fsopen: libc.func('long syscall(long number, const char *fs, uint flags)'),
  fsconfig: libc.func(
    'long syscall(long number, int fs, uint command, const char *key, const char *value, int aux)',
  ),
  fsmount: libc.func('long syscall(long number, int fs, uint flags, uint attributes)'),
};

/** asm-generic/unistd.h; the same on x86_64 and arm64. */
const SYS = { fsopen: 430, fsconfig: 431, fsmount: 432 } as const;
const FSCONFIG = { SET_STRING: 1, CREATE: 6 } as const;
const CLOEXEC = 1;
/** asm-generic/fcntl.h; node has no name for it. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/**
 * The setting of the mount counts for its files, whatever the node's own for shared memory is (kernel: admin-guide/mm/transhuge). Nobody sees
 * the mount; it goes with its file. The memory is given as it is written to. Throws where the kernel has no such mounts (Linux 5.2).
 */
export function hugeFile(bytes: number): number {
  const fs = succeeded('fsopen tmpfs', functions.fsopen(SYS.fsopen, 'tmpfs', CLOEXEC));
  try {
    succeeded('size of a tmpfs', configure(fs, 'size', String(bytes)));
    configure(fs, 'huge', 'always'); // a kernel without huge pages refuses it, and gives small ones
    succeeded('make a tmpfs', functions.fsconfig(SYS.fsconfig, fs, FSCONFIG.CREATE, null, null, 0));
    return fileOn(succeeded('mount a tmpfs', functions.fsmount(SYS.fsmount, fs, CLOEXEC, 0)), bytes);
  } finally {
    closeSync(fs);
  }
}

const configure = (fs: number, key: string, value: string): number =>
  Number(functions.fsconfig(SYS.fsconfig, fs, FSCONFIG.SET_STRING, key, value, 0));

function fileOn(mount: number, bytes: number): number {
  try {
    const fd = openSync(`/proc/self/fd/${mount}`, O_TMPFILE | constants.O_RDWR, 0o600);
    ftruncateSync(fd, bytes);
    return fd;
  } finally {
    closeSync(mount);
  }
}
