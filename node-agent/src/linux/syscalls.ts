/**
 * Every native function that the agent calls, through koffi. A wrong signature is a crash, not an exception: nothing of this is
 * called in the long-running agent, only in the short-lived engine.
 */
import koffi from 'koffi';
import { succeeded } from './succeeded';

const libc = koffi.load('libc.so.6');

const functions = {
  setns: libc.func('int setns(int fd, int nstype)'),
  unshare: libc.func('int unshare(int flags)'),
  mount: libc.func(
    'int mount(const char *source, const char *target, const char *fs, unsigned long flags, const char *data)',
  ),
  prlimit: libc.func('int prlimit(int pid, int resource, const void *next, void *old)'),
  setresuid: libc.func('int setresuid(uint32_t real, uint32_t effective, uint32_t saved)'),
  setresgid: libc.func('int setresgid(uint32_t real, uint32_t effective, uint32_t saved)'),
  sigqueue: libc.func('int sigqueue(int pid, int sig, intptr_t value)'),
  dup2: libc.func('int dup2(int from, int to)'),
  exit: libc.func('void _exit(int status)'),
  syscall: libc.func('long syscall(long number, ...)'),
  llistxattr: libc.func('intptr_t llistxattr(const char *path, _Out_ uint8_t *list, size_t size)'),
  lgetxattr: libc.func(
    'intptr_t lgetxattr(const char *path, const char *name, _Out_ uint8_t *value, size_t size)',
  ),
};

/** asm-generic/unistd.h; the same on x86_64 and arm64. */
const SYS = { openTree: 428, moveMount: 429, mountSetattr: 442 } as const;

export const CLONE = { NEWNS: 0x20000, NEWNET: 0x40000000, FS: 0x200 } as const;
export const MS = { BIND: 0x1000, REC: 0x4000, PRIVATE: 0x40000, SLAVE: 0x80000 } as const;
const AT = { FDCWD: -100, EMPTY_PATH: 0x1000, RECURSIVE: 0x8000 } as const;
const OPEN_TREE = { CLONE: 1, CLOEXEC: 0x80000 } as const;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOUNT_ATTR_RDONLY = 1n;

export const setns = (fd: number, kind: number): void => void succeeded('setns', functions.setns(fd, kind));
export const unshare = (flags: number): void => void succeeded('unshare', functions.unshare(flags));

export const mount = (source: string, target: string, fs: string, flags = 0, data = ''): void =>
  void succeeded(`mount ${fs || 'flags'} at ${target}`, functions.mount(source, target, fs, flags, data));

/** dup2(2): the second descriptor becomes another name of the first. */
export const dup2 = (from: number, to: number): void => void succeeded('dup2', functions.dup2(from, to));

/** _exit(2): without waiting for any thread, and none of them does anything more. */
export function exitNow(status: number): never {
  functions.exit(status);
  throw new Error('_exit returned');
}

/** sigqueue(3) with an integer value. */
export const sigqueue = (pid: number, signal: number, value: number): void =>
  void succeeded(`signal ${signal} to ${pid}`, functions.sigqueue(pid, signal, value));

/** False where the kernel does not allow it, or the process is gone. */
export function prlimit(pid: number, resource: number, soft: bigint, hard: bigint): boolean {
  const limit = Buffer.alloc(16);
  limit.writeBigUInt64LE(soft, 0);
  limit.writeBigUInt64LE(hard, 8);
  return functions.prlimit(pid, resource, limit, null) === 0;
}

/** "Leave as it is" of setresuid(2). */
const SAME = 0xffffffff;

/** Runs `work` with other real ids; the effective ones, and with them our rights, stay. */
export function withRealIds(uid: number, gid: number, work: () => void): void {
  const [ownUid = 0, ownGid = 0] = [process.getuid?.(), process.getgid?.()];
  succeeded(`take real group ${gid}`, functions.setresgid(gid, SAME, SAME));
  try {
    succeeded(`take real user ${uid}`, functions.setresuid(uid, SAME, SAME));
    work();
  } finally {
    functions.setresuid(ownUid, SAME, SAME);
    functions.setresgid(ownGid, SAME, SAME);
  }
}

/** A detached copy of the whole mount tree at `path`, as a descriptor. */
export const cloneTree = (path: string): number =>
  succeeded(
    `open_tree ${path}`,
    functions.syscall(
      SYS.openTree,
      'int',
      AT.FDCWD,
      'const char *',
      path,
      'uint',
      OPEN_TREE.CLONE | AT.RECURSIVE | OPEN_TREE.CLOEXEC,
    ),
  );

/** Makes the root of a detached tree writable (in this copy only): a read-only root file system is restored through it. */
export function makeWritable(tree: number): void {
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(MOUNT_ATTR_RDONLY, 8);
  succeeded(
    'mount_setattr',
    functions.syscall(
      SYS.mountSetattr,
      'int',
      tree,
      'const char *',
      '',
      'uint',
      AT.EMPTY_PATH,
      'void *',
      attributes,
      'size_t',
      32,
    ),
  );
}

export const attachTree = (tree: number, target: string): void =>
  void succeeded(
    `move_mount to ${target}`,
    functions.syscall(
      SYS.moveMount,
      'int',
      tree,
      'const char *',
      '',
      'int',
      AT.FDCWD,
      'const char *',
      target,
      'uint',
      MOVE_MOUNT_F_EMPTY_PATH,
    ),
  );

const LARGEST_XATTR = 65_536;

/** Extended attributes of the file itself (no link is followed); a file system without them has none. */
export function xattrs(path: string): ReadonlyMap<string, Buffer> {
  const list = Buffer.alloc(LARGEST_XATTR);
  const length = Number(functions.llistxattr(path, list, list.length));
  const names = length <= 0 ? [] : list.toString('utf8', 0, length).split('\0').filter(Boolean);
  return new Map(
    names.map((name) => {
      const value = Buffer.alloc(LARGEST_XATTR);
      const size = succeeded(`read ${name} of ${path}`, functions.lgetxattr(path, name, value, value.length));
      return [name, value.subarray(0, size)];
    }),
  );
}
