/** File locks of a process, from /proc/PID/fdinfo (proc_pid_fdinfo(5)). */

export interface FileLock {
  /** POSIX: of a process, and dropped when it closes any descriptor of the file. FLOCK and OFDLCK: of an open file. */
  readonly kind: 'POSIX' | 'FLOCK' | 'OFDLCK';
  readonly mode: 'READ' | 'WRITE';
  /** `<major>:<minor>:<inode>` as the kernel writes it; major and minor are hex. */
  readonly file: string;
  readonly range: string;
}

/** "lock:	1: POSIX  ADVISORY  WRITE 4711 fe:00:131 0 EOF"; waiters ("1: -> POSIX …") hold nothing. */
const LOCK =
  /^lock:\s+\d+: (POSIX|FLOCK|OFDLCK)\s+\S+\s+(READ|WRITE)\s+-?\d+ ([0-9a-f]+:[0-9a-f]+:\d+) (\d+) (\d+|EOF)$/gm;

export const parseLocks = (fdinfo: string): readonly FileLock[] =>
  [...fdinfo.matchAll(LOCK)].map(([, kind, mode, file = '', from = '', to = '']) => ({
    kind: kind as FileLock['kind'],
    mode: mode as FileLock['mode'],
    file,
    range: `${from}-${to}`,
  }));

/** An unlinked file has another name in a restored tree. */
const nameOf = (path: string): string => (path.endsWith(' (deleted)') ? '(deleted)' : path);

export const lockText = ({ kind, mode, range }: FileLock, path: string): string =>
  `${kind} ${mode} ${range} ${nameOf(path)}`;

export interface MappedFile {
  readonly file: string;
  readonly path: string;
}

/** Lines of /proc/PID/maps: address, rights, offset, device, inode, path. */
export const parseMappedFiles = (maps: string): readonly MappedFile[] =>
  maps.split('\n').flatMap((line) => {
    const [, device, inode, path] = /^\S+ \S+ \S+ ([0-9a-f]+:[0-9a-f]+) (\d+) +(\/.*)$/.exec(line) ?? [];
    return device === undefined || path === undefined ? [] : [{ file: `${device}:${inode}`, path }];
  });

/**
 * Whether a restore would lose the lock without a word: CRIU sets it, then closes the descriptor through which it mapped the same
 * file, and closing any descriptor of a file drops the POSIX locks of the process on it (fcntl(2)). Overlayfs gives the
 * mapping and the lock different inodes on older kernels, hence the path too.
 */
export const isLostByMapping = (lock: FileLock, path: string, mapped: readonly MappedFile[]): boolean =>
  lock.kind === 'POSIX' && mapped.some((m) => m.file === lock.file || m.path === path);
