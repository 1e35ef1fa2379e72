/** Packs the difference of a root file system, and volumes, into tars. Runs while the source stands still: nothing here waits. */
import type { Stats } from 'node:fs';
import { closeSync, createReadStream, createWriteStream, readSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Header, Pack } from 'tar-stream';
import { pack } from 'tar-stream';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { RootfsIndex } from '@dynamo-snapshot/api/manifest';
import { PAX_OWNER, PAX_XATTR } from '@dynamo-snapshot/api/layout';
import type { Found } from './select';
import { choose, isCovered, isExcluded } from './select';
import type { Entry } from './walk';
import { linkTarget, openEntry, openFolder, walk } from './walk';

const OPAQUE = 'trusted.overlay.opaque';

export interface RootfsJob {
  readonly upperDir: string;
  /** Absolute paths in the container. */
  readonly mountPoints: readonly string[];
  readonly tarFile: string;
  readonly excludePaths?: readonly string[];
  /** Absolute paths in the container that its processes have open or mapped. */
  readonly inUse?: readonly string[];
}

/** Throws RootfsUnsupported where the upper directory alone does not tell the content. */
export async function packRootfs(job: RootfsJob): Promise<RootfsIndex> {
  const { upperDir, mountPoints, tarFile, excludePaths = [], inUse = [] } = job;
  const points = new Set(mountPoints);
  const deleted: string[] = [];
  const opaque: string[] = [];
  const isKept = (entry: Entry): boolean => {
    const choice = choose(found(entry), points);
    if (choice.do === 'refuse') throw new TerminalError('RootfsUnsupported', choice.why);
    if (choice.do === 'delete') deleted.push(entry.path);
    if (choice.do === 'keepOpaque') opaque.push(entry.path);
    return choice.do === 'keep' || choice.do === 'keepOpaque';
  };
  const excluded: string[] = [];
  const skip = (path: string): boolean => {
    const leftOut = isExcluded(path, excludePaths, inUse);
    if (leftOut) excluded.push(path);
    return leftOut;
  };
  const entries = await packBelow(openFolder(upperDir, ''), skip, isKept, tarFile);
  return { deleted, opaque, entries, ...(excluded.length > 0 ? { excluded } : {}) };
}

export interface FolderJob {
  /** Not ours: what is mounted or linked in it is the container's doing. */
  readonly root: string;
  readonly path: string;
  /** Absolute paths in the root; what is mounted below the folder is another volume. */
  readonly mountPoints: readonly string[];
  readonly tarFile: string;
}

/** Everything in a folder but sockets and other mounts. Throws FilesUnsafe where its path leads through a link. */
export async function packFolder({ root, path, mountPoints, tarFile }: FolderJob): Promise<number> {
  const own = path.replace(/\/+$/, '');
  const points = new Set(mountPoints.filter((point) => point.startsWith(`${own}/`)));
  const isOther = (below: string) => isCovered(`${own}/${below}`, points);
  return packBelow(openFolder(root, path), isOther, ({ stats }) => !stats.isSocket(), tarFile);
}

/** Closes the folder. */
async function packBelow(
  folder: number,
  skip: (path: string) => boolean,
  isKept: (entry: Entry) => boolean,
  tarFile: string,
): Promise<number> {
  const tar = pack();
  const written = pipeline(tar, createWriteStream(tarFile, { mode: 0o600 }));
  written.catch(() => {}); // told again below
  const links = new Map<string, string>();
  let count = 0;
  try {
    for (const entry of walk(folder, skip)) if (isKept(entry) && (await add(tar, entry, links))) count += 1;
  } catch (error) {
    tar.destroy();
    throw error;
  } finally {
    closeSync(folder);
  }
  tar.finalize();
  await written;
  return count;
}

const kindOf = (stats: Stats): Found['kind'] => {
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isCharacterDevice()) return 'char';
  if (stats.isBlockDevice()) return 'block';
  if (stats.isFIFO()) return 'fifo';
  return stats.isSocket() ? 'socket' : 'file';
};

const found = ({ path, stats, attributes }: Entry): Found => ({
  path,
  kind: kindOf(stats),
  rdev: stats.rdev,
  xattrs: [...attributes.keys()],
  opaque: attributes.get(OPAQUE)?.toString() === 'y',
});

const tarType = {
  file: 'file',
  directory: 'directory',
  symlink: 'symlink',
  char: 'character-device',
  block: 'block-device',
  fifo: 'fifo',
} as const;

/** False where the entry changed under our hands and is left out. */
async function add(tar: Pack, entry: Entry, links: Map<string, string>): Promise<boolean> {
  const { stats, path } = entry;
  const kind = kindOf(stats);
  if (kind === 'socket') return false;
  const header = { ...headerOf(entry), type: tarType[kind] };
  if (kind === 'symlink') {
    const linkname = linkTarget(entry);
    if (linkname !== undefined) tar.entry({ ...header, linkname }, '');
    return linkname !== undefined;
  }
  if (kind === 'char' || kind === 'block')
    tar.entry({ ...header, devmajor: major(stats.rdev), devminor: minor(stats.rdev) }, '');
  else if (kind !== 'file') tar.entry(header, '');
  else {
    const inode = `${stats.dev}:${stats.ino}`;
    const first = stats.nlink > 1 ? links.get(inode) : undefined;
    if (first !== undefined) tar.entry({ ...header, type: 'link', linkname: first }, '');
    else if (await addFile(tar, entry, header)) links.set(inode, path);
    else return false;
  }
  return true;
}

async function addFile(tar: Pack, entry: Entry, header: NamedHeader): Promise<boolean> {
  const fd = openEntry(entry);
  if (fd === undefined) return false;
  const { size } = entry.stats;
  if (size > AT_ONCE_BYTES) {
    // A file of an emptyDir may grow while it is read: another container of the pod runs on.
    const reading = createReadStream('', { fd, start: 0, end: size - 1 });
    await pipeline(reading, tar.entry({ ...header, size }));
    return true;
  }
  try {
    tar.entry({ ...header, size }, firstBytes(fd, size));
  } finally {
    closeSync(fd);
  }
  return true;
}

type NamedHeader = Partial<Header> & { readonly name: string };

const headerOf = ({ path, stats, attributes }: Entry): NamedHeader => ({
  name: path,
  mode: stats.mode & 0o7777,
  uid: stats.uid,
  gid: stats.gid,
  mtime: stats.mtime,
  size: 0,
  pax: { ...paxXattrs(attributes), [PAX_OWNER]: ownerOf(stats) },
});

/** Overlayfs's own attributes describe this upper directory only. Values are base64: a pax record is text to tar-stream. */
function paxXattrs(attributes: ReadonlyMap<string, Buffer>): Record<string, string> {
  const kept = [...attributes].filter(([name]) => !name.startsWith('trusted.overlay.'));
  return Object.fromEntries(kept.map(([name, value]) => [PAX_XATTR + name, value.toString('base64')]));
}

const ownerOf = ({ mode, uid, gid }: Stats): string => `${(mode & 0o7777).toString(8)} ${uid} ${gid}`;

/** Read in one call: a stream for every small file costs more than the file. */
const AT_ONCE_BYTES = 1 << 20;

/** Exactly so many bytes, whatever happened to the file since it was looked at. */
function firstBytes(fd: number, size: number): Buffer {
  const content = Buffer.alloc(size);
  for (let at = 0, read = -1; at < size && read !== 0; at += read)
    read = readSync(fd, content, at, size - at, at);
  return content;
}

/** makedev(3) of Linux. */
const major = (rdev: number): number => Math.floor(rdev / 256) & 0xfff;
const minor = (rdev: number): number => (rdev & 0xff) | (Math.floor(rdev / 4096) & 0xfff00);
