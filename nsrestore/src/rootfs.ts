/** Applies the files of an artifact below a root that is not ours: no link in it is ever followed out of it. */
import {
  chmodSync,
  chownSync,
  createReadStream,
  createWriteStream,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Header } from 'tar-stream';
import { extract } from 'tar-stream';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile, PAX_OWNER, PAX_XATTR } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { parseRootfsIndex } from '@dynamo-snapshot/api/validate';

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
  const gone = index.deleted.filter((path) => remove(inside(root, path)));
  for (const path of index.opaque) empty(inside(root, path));
  let written = await unpack(join(artifact, artifactFile.rootfsTar), root, setXattr);
  for (const { file, mountPath } of manifest.volumes)
    written += await unpack(join(artifact, file), folder(root, mountPath), setXattr);
  // CRIU's pivot_root wants a folder for the old root.
  if (lstatSync(join(root, 'tmp'), { throwIfNoEntry: false }) === undefined) {
    mkdirSync(join(root, 'tmp'));
    chmodSync(join(root, 'tmp'), 0o1777);
  }
  return { written, deleted: gone.length };
}

/** The path below the root. Throws RootfsUnsafe where it climbs, or where a folder on the way is a link. */
export function inside(root: string, path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new TerminalError('RootfsUnsafe', `${path} climbs out of the root`);
  let at = root;
  for (const part of parts.slice(0, -1)) {
    at = join(at, part);
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink())
      throw new TerminalError('RootfsUnsafe', `${path}: ${at.slice(root.length)} is a link`);
  }
  return join(root, ...parts);
}

/** A volume's mount point, which must be a folder itself. */
function folder(root: string, mountPath: string): string {
  const path = inside(root, mountPath);
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new TerminalError('RootfsUnsafe', `${mountPath} is no folder`);
  return path;
}

function remove(path: string): boolean {
  const there = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  rmSync(path, { recursive: true, force: true });
  return there;
}

function empty(dir: string): void {
  if (lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true, force: true });
}

async function unpack(tarFile: string, root: string, setXattr: SetXattr): Promise<number> {
  const tar = extract();
  const reading = pipeline(createReadStream(tarFile), tar);
  reading.catch(() => {}); // told again by the loop below
  let count = 0;
  for await (const entry of tar) {
    const { header } = entry;
    const path = inside(root, header.name);
    clearTheWay(path, header);
    if (header.type === 'file') await pipeline(entry, createWriteStream(path, { mode: 0o600 }));
    else make(path, header, root);
    if (header.type !== 'file') entry.resume();
    setAttributes(path, header, setXattr);
    count += 1;
  }
  await reading;
  return count;
}

/** A folder stays a folder; anything else in the way goes. */
function clearTheWay(path: string, header: Header): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined || (there.isDirectory() && header.type === 'directory')) return;
  rmSync(path, { recursive: true, force: true });
}

function make(path: string, header: Header, root: string): void {
  switch (header.type) {
    case 'directory':
      mkdirSync(path, { recursive: true });
      return;
    case 'symlink':
      symlinkSync(header.linkname ?? '', path);
      return;
    case 'link':
      linkSync(inside(root, header.linkname ?? ''), path);
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
        `${header.name} is a ${header.type ?? 'thing of no type'} in ${dirname(path)}`,
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
  else {
    chownSync(path, uid, gid);
    chmodSync(path, mode);
  }
  for (const [name, value] of Object.entries(header.pax ?? {}))
    if (name.startsWith(PAX_XATTR))
      setXattr(path, name.slice(PAX_XATTR.length), Buffer.from(value, 'base64'));
  lutimesSync(path, mtime, mtime);
}
