/** Packs the difference of a root file system, and volumes, into tars. Runs while the source stands still: nothing here waits. */
import type { Stats } from 'node:fs';
import {
  createReadStream,
  createWriteStream,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Header, Pack } from 'tar-stream';
import { pack } from 'tar-stream';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { RootfsIndex } from '@dynamo-snapshot/api/manifest';
import { PAX_OWNER, PAX_XATTR } from '@dynamo-snapshot/api/layout';
import { xattrs } from '../linux/syscalls';
import type { Found } from './select';
import { choose } from './select';

const OPAQUE = 'trusted.overlay.opaque';

interface Entry {
  readonly path: string;
  readonly file: string;
  readonly stats: Stats;
  readonly attributes: ReadonlyMap<string, Buffer>;
}

export interface RootfsJob {
  readonly upperDir: string;
  /** Absolute paths in the container. */
  readonly mountPoints: readonly string[];
  readonly tarFile: string;
}

/** Throws RootfsUnsupported where the upper directory alone does not tell the content. */
export async function packRootfs({ upperDir, mountPoints, tarFile }: RootfsJob): Promise<RootfsIndex> {
  const points = new Set(mountPoints);
  const deleted: string[] = [];
  const opaque: string[] = [];
  const kept = walk(upperDir).filter((entry) => {
    const choice = choose(found(entry), points);
    if (choice.do === 'refuse') throw new TerminalError('RootfsUnsupported', choice.why);
    if (choice.do === 'delete') deleted.push(entry.path);
    if (choice.do === 'keepOpaque') opaque.push(entry.path);
    return choice.do === 'keep' || choice.do === 'keepOpaque';
  });
  await writeTar(kept, tarFile);
  return { deleted, opaque, entries: kept.length };
}

/** Everything below `dir` but sockets. */
export async function packFolder(dir: string, tarFile: string): Promise<number> {
  const entries = walk(dir).filter((entry) => !entry.stats.isSocket());
  await writeTar(entries, tarFile);
  return entries.length;
}

function walk(root: string, path = ''): readonly Entry[] {
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => {
      const below = path === '' ? name : `${path}/${name}`;
      const file = join(root, below);
      const stats = lstatSync(file);
      const entry = { path: below, file, stats, attributes: xattrs(file) };
      return stats.isDirectory() ? [entry, ...walk(root, below)] : [entry];
    });
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

async function writeTar(entries: readonly Entry[], tarFile: string): Promise<void> {
  const tar = pack();
  const written = pipeline(tar, createWriteStream(tarFile, { mode: 0o600 }));
  written.catch(() => {}); // told again below
  const links = new Map<string, string>();
  for (const entry of entries) await add(tar, entry, links);
  tar.finalize();
  await written;
}

const tarType = {
  file: 'file',
  directory: 'directory',
  symlink: 'symlink',
  char: 'character-device',
  block: 'block-device',
  fifo: 'fifo',
} as const;

async function add(tar: Pack, entry: Entry, links: Map<string, string>): Promise<void> {
  const { stats, file, path } = entry;
  const kind = kindOf(stats);
  if (kind === 'socket') return;
  const inode = `${stats.dev}:${stats.ino}`;
  const first = kind === 'file' && stats.nlink > 1 ? links.get(inode) : undefined;
  if (kind === 'file') links.set(inode, first ?? path);
  const header: Partial<Header> & { name: string } = {
    name: path,
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    mtime: stats.mtime,
    type: first === undefined ? tarType[kind] : 'link',
    size: kind === 'file' && first === undefined ? stats.size : 0,
    ...(first === undefined ? {} : { linkname: first }),
    ...(kind === 'symlink' ? { linkname: readlinkSync(file) } : {}),
    ...(kind === 'char' || kind === 'block'
      ? { devmajor: major(stats.rdev), devminor: minor(stats.rdev) }
      : {}),
    pax: { ...paxXattrs(entry.attributes), [PAX_OWNER]: ownerOf(stats) },
  };
  if (header.type !== 'file' || stats.size === 0) return void tar.entry(header, '');
  if (stats.size <= AT_ONCE_BYTES) return void tar.entry(header, firstBytes(file, stats.size));
  // A file of an emptyDir may grow while it is read: another container of the pod runs on.
  await pipeline(createReadStream(file, { end: stats.size - 1 }), tar.entry(header));
}

/** Overlayfs's own attributes describe this upper directory only. Values are base64: a pax record is text to tar-stream. */
function paxXattrs(attributes: ReadonlyMap<string, Buffer>): Record<string, string> {
  const kept = [...attributes].filter(([name]) => !name.startsWith('trusted.overlay.'));
  return Object.fromEntries(kept.map(([name, value]) => [PAX_XATTR + name, value.toString('base64')]));
}

const ownerOf = ({ mode, uid, gid }: Stats): string => `${(mode & 0o7777).toString(8)} ${uid} ${gid}`;

/** Read in one call: a stream for every small file costs more than the file. */
const AT_ONCE_BYTES = 1 << 20;

/** Exactly so many bytes, whatever happened to the file since it was looked at. */
function firstBytes(file: string, size: number): Buffer {
  const content = readFileSync(file).subarray(0, size);
  return content.length === size ? content : Buffer.concat([content, Buffer.alloc(size - content.length)]);
}

/** makedev(3) of Linux. */
const major = (rdev: number): number => Math.floor(rdev / 256) & 0xfff;
const minor = (rdev: number): number => (rdev & 0xff) | (Math.floor(rdev / 4096) & 0xfff00);
