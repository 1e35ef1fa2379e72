/** /proc/PID/mountinfo (proc_pid_mountinfo(5)), parsed. */

export interface Mount {
  readonly root: string;
  readonly mountPoint: string;
  readonly fsType: string;
  readonly source: string;
  /** Of the file system, e.g. upperdir=… of an overlay. */
  readonly superOptions: readonly string[];
}

export function parseMountinfo(text: string): readonly Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine);
}

function parseLine(line: string): Mount {
  const [left = '', right = ''] = line.split(' - ');
  const [, , , root = '', mountPoint = ''] = left.split(' ');
  const [fsType = '', source = '', options = ''] = right.split(' ');
  return {
    root: unescape(root),
    mountPoint: unescape(mountPoint),
    fsType,
    source: unescape(source),
    superOptions: options.split(',').map(unescape),
  };
}

/** The kernel writes space, tab, newline and backslash as three octal digits. */
const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

/** The writable layer of a container's root; undefined where the root is no overlay. */
export const upperDir = (mounts: readonly Mount[]): string | undefined =>
  mounts
    .findLast((m) => m.mountPoint === '/' && m.fsType === 'overlay')
    ?.superOptions.find((o) => o.startsWith('upperdir='))
    ?.slice('upperdir='.length);

/**
 * Mount points that CRIU must take from the pod instead of making them itself: all but the root, procfs (a fresh one belongs to
 * the restored pid namespace) and the tmpfs at /dev/shm (its content is part of the dump).
 */
export const externalMounts = (mounts: readonly Mount[]): readonly string[] => [
  ...new Set(mounts.filter((m) => !isOwn(m)).map((m) => m.mountPoint)),
];

function isOwn({ mountPoint, fsType }: Mount): boolean {
  if (mountPoint === '/') return true;
  if (fsType === 'proc' && (mountPoint === '/proc' || mountPoint.startsWith('/proc/'))) return true;
  return mountPoint === '/dev/shm' && fsType === 'tmpfs';
}
