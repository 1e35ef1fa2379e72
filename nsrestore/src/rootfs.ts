/** Applies the files of an artifact below a root that is not ours: no link in it is ever followed out of it. */
import {
  chmodSync,
  chownSync,
  createReadStream,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Header } from 'tar-stream';
import { extract } from 'tar-stream';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile, PAX_OWNER, PAX_XATTR } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { parseRootfsIndex } from '@dynamo-snapshot/api/validate';
import { Beneath, empty, partsOf, pinned, remove } from './beneath';
import { sparseFile } from './sparse';

export interface Applied {
  readonly written: number;
  readonly deleted: number;
}

export type SetXattr = (path: string, name: string, value: Buffer) => void;

export async function applyFiles(
  artifact: string,
  root: string,
  manifest: Manifest,
  setXattr: SetXattr,
): Promise<Applied> {
  const index = parseRootfsIndex(readFileSync(join(artifact, artifactFile.rootfsIndex), 'utf8'));
  const tree = Beneath.root(root);
  try {
    const gone = index.deleted.filter((path) => removeNamed(tree, path));
    for (const path of index.opaque) {
      const at = tree.find(path);
      if (at !== undefined) empty(at);
    }
    let written = await unpack(join(artifact, artifactFile.rootfsTar), tree, setXattr);
    for (const { file, mountPath } of manifest.volumes)
      written += await unpackVolume(join(artifact, file), tree, mountPath, setXattr);
    makeTmp(tree);
    return { written, deleted: gone.length };
  } finally {
    tree.close();
  }
}

function removeNamed(tree: Beneath, path: string): boolean {
  if (partsOf(path).length === 0)
    throw new TerminalError('RootfsUnsafe', 'the root itself cannot be deleted');
  const at = tree.find(path);
  return at !== undefined && remove(at);
}

async function unpackVolume(
  tarFile: string,
  tree: Beneath,
  mountPath: string,
  setXattr: SetXattr,
): Promise<number> {
  const volume = tree.folder(mountPath);
  try {
    return await unpack(tarFile, volume, setXattr);
  } finally {
    volume.close();
  }
}

/** CRIU's pivot_root wants a folder for the old root. */
function makeTmp(tree: Beneath): void {
  const tmp = tree.place('tmp');
  if (lstatSync(tmp, { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(tmp);
  pinned(tmp, (file) => chmodSync(file, 0o1777));
}

async function unpack(tarFile: string, tree: Beneath, setXattr: SetXattr): Promise<number> {
  const tar = extract();
  const reading = pipeline(createReadStream(tarFile), tar);
  reading.catch(() => {}); // told again by the loop below
  let count = 0;
  try {
    for await (const entry of tar) {
      await unpackEntry(entry, tree, setXattr);
      count += 1;
    }
    await reading;
  } catch (error) {
    throw refused(tarFile, error);
  }
  return count;
}

type TarEntry = ReturnType<typeof extract> extends AsyncIterable<infer Entry> ? Entry : never;

async function unpackEntry(entry: TarEntry, tree: Beneath, setXattr: SetXattr): Promise<void> {
  const { header } = entry;
  try {
    const at = tree.place(header.name);
    clearTheWay(at, header);
    if (header.type === 'file') await pipeline(entry, sparseFile(at, 0o600));
    else make(at, header, tree);
    if (header.type !== 'file') entry.resume();
    setAttributes(tree.place(header.name), header, setXattr);
  } catch (error) {
    throw refused(header.name, error);
  }
}

/** Of the machine, not of the artifact: another time or another place may do. */
const MACHINE = ['ENOENT', 'ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE'];

/** What cannot be made from an entry will not be made from it the next time either. */
function refused(what: string, error: unknown): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (error instanceof TerminalError || MACHINE.includes(code)) return error;
  return new TerminalError('RootfsUnsafe', `${what}: ${explain(error)}`, { cause: error });
}

/** A folder stays a folder; anything else in the way goes. */
function clearTheWay(at: string, header: Header): void {
  const there = lstatSync(at, { throwIfNoEntry: false });
  if (there === undefined || (there.isDirectory() && header.type === 'directory')) return;
  if (partsOf(header.name).length === 0)
    throw new TerminalError('RootfsUnsafe', `the root cannot become a ${header.type ?? 'file'}`);
  remove(at);
}

/** To a file that is there already. It has a folder of its own: looking it up must not let go of the one of the new name. */
function link(path: string, { linkname, name }: Header, tree: Beneath): void {
  const parts = partsOf(linkname ?? '');
  const unsafe = new TerminalError('RootfsUnsafe', `${name} is a link to ${linkname}, which is no file`);
  const folder = tree.folder(parts.slice(0, -1).join('/'));
  try {
    const target = folder.place(parts.at(-1) ?? '');
    if (lstatSync(target, { throwIfNoEntry: false })?.isFile() !== true) throw unsafe;
    linkSync(target, path);
  } finally {
    folder.close();
  }
}

function make(path: string, header: Header, tree: Beneath): void {
  switch (header.type) {
    case 'directory':
      if (lstatSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path);
      return;
    case 'symlink':
      if (!header.linkname) throw new TerminalError('RootfsUnsafe', `${header.name} is a link to nothing`);
      symlinkSync(header.linkname, path);
      return;
    case 'link':
      link(path, header, tree);
      return;
    case 'fifo':
      execFileSync('mkfifo', [path]);
      return;
    case 'character-device':
    case 'block-device': {
      const kind = header.type === 'block-device' ? 'b' : 'c';
      execFileSync('mknod', [path, kind, String(header.devmajor), String(header.devminor)]);
      return;
    }
    default:
      throw new TerminalError(
        'RootfsUnsupported',
        `${header.name} is a ${header.type ?? 'thing of no type'}`,
      );
  }
}

const ownerOf = ({ pax, mode = 0o644, uid = 0, gid = 0 }: Header): readonly number[] => {
  const records = (pax ?? {}) as Readonly<Record<string, string>>;
  const [octal, ...ids] = records[PAX_OWNER]?.split(' ') ?? [];
  return octal === undefined ? [mode, uid, gid] : [parseInt(octal, 8), ...ids.map(Number)];
};

/** Owner first: a change of owner clears set-user-id bits and capabilities. */
function setAttributes(path: string, header: Header, setXattr: SetXattr): void {
  const { mtime = new Date() } = header;
  const [mode = 0, uid = 0, gid = 0] = ownerOf(header);
  if (header.type === 'link') return;
  if (header.type === 'symlink') lchownSync(path, uid, gid);
  else
    pinned(path, (file) => {
      chownSync(file, uid, gid);
      chmodSync(file, mode);
    });
  for (const [name, value] of Object.entries(header.pax ?? {}))
    if (name.startsWith(PAX_XATTR))
      setXattr(path, name.slice(PAX_XATTR.length), Buffer.from(value, 'base64'));
  lutimesSync(path, mtime, mtime);
}
