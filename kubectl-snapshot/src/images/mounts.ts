/** The mounts of a dump, as mountpoints-*.img has them. */
import { decodeAll } from './codec';
import type { Images } from './files';

export interface Mount {
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
  /** Comes from outside: the placeholder must have it too. */
  readonly external: boolean;
}

/** criu: images/mnt.proto, enum fstype */
const types: Readonly<Record<number, string>> = {
  1: 'proc',
  2: 'sysfs',
  3: 'devtmpfs',
  4: 'binfmt_misc',
  5: 'tmpfs',
  6: 'devpts',
  8: 'pstore',
  9: 'securityfs',
  10: 'fusectl',
  11: 'debugfs',
  12: 'cgroup',
  14: 'mqueue',
  15: 'fuse',
  17: 'overlay',
  18: 'autofs',
  19: 'tracefs',
  23: 'cgroup2',
};

/** Images write paths relative to the root with a leading dot: "./data". */
const absolute = (path: string): string => path.replace(/^\.(?=\/|$)/, '') || '/';

export const mounts = (images: Images): readonly Mount[] =>
  [...images]
    .filter(([name]) => /^mountpoints-\d+\.img$/.test(name))
    .flatMap(([name, image]) => decodeAll('mnt_entry', name, image))
    .map((m) => ({
      mountPoint: absolute(m.mountpoint),
      type: m.fsname ?? types[m.fstype] ?? 'other',
      source: m.source,
      external: m.ext_mount === true || m.ext_key !== undefined,
    }))
    .sort((a, b) => (a.mountPoint < b.mountPoint ? -1 : 1));
