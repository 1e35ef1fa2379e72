import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import { applyFiles } from '@dynamo-snapshot/nsrestore/rootfs';
import { packRootfs } from '../../src/files/pack';
import type { Overlay, Scratch } from './tree';
import { overlay, scratch, setXattr, view } from './tree';

/** cap_net_bind_service in the permitted set (struct vfs_cap_data, revision 2). */
const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex');
const LONG = `${'deep-folder-name/'.repeat(12)}${'n'.repeat(200)}`;

const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;

let place: Scratch;
let server: Server | undefined;
beforeEach(() => (place = scratch()));
afterEach(async () => {
  await new Promise<void>((closed) => (server === undefined ? closed() : server.close(() => closed())));
  server = undefined;
  place.remove();
});

const write = (root: string, path: string, content: string | Buffer): string => {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
  return file;
};

const image = (): string => {
  const lower = join(place.dir, 'image');
  write(lower, 'etc/app.conf', 'from the image');
  write(lower, 'etc/gone.conf', 'gone');
  write(lower, 'etc/untouched', 'untouched');
  write(lower, 'srv/cache/old/a', 'a');
  write(lower, 'srv/whole/b', 'b');
  write(lower, 'usr/bin/tool', 'tool');
  write(lower, 'usr/was-file', 'file');
  write(lower, 'usr/was-dir/c', 'c');
  symlinkSync('usr/bin', join(lower, 'bin'));
  return lower;
};

const folder = (name: string): string => {
  const dir = join(place.dir, name);
  mkdirSync(dir, { recursive: true });
  return dir;
};

/** Packs the upper directory of one overlay and applies it to a fresh one of the same image. */
async function roundTrip(source: Overlay, lower: string, mountPoints: readonly string[] = []) {
  const artifact = folder('artifact');
  const index = await packRootfs({
    upperDir: source.upper,
    mountPoints,
    tarFile: join(artifact, artifactFile.rootfsTar),
  });
  writeFileSync(join(artifact, artifactFile.rootfsIndex), JSON.stringify(index));
  const target = overlay(folder('target'), lower);
  const applied = await applyFiles(artifact, target.merged, { volumes: [] } as unknown as Manifest, setXattr);
  return { index, applied, target: target.merged };
}

/** /tmp is made for CRIU where the image has none; it is no part of the difference. */
const withoutTmp = (tree: ReadonlyMap<string, unknown>) =>
  new Map([...tree].filter(([path]) => path !== 'tmp'));

describeAsRoot('a root file system, packed and applied to a fresh copy of the image', () => {
  let lower: string;
  let source: Overlay;
  beforeEach(() => {
    lower = image();
    source = overlay(folder('source'), lower);
  });
  const same = async () => {
    const { target, ...rest } = await roundTrip(source, lower);
    expect(withoutTmp(view(target))).toEqual(withoutTmp(view(source.merged)));
    return rest;
  };

  it('is the same when nothing was changed', async () => {
    expect((await same()).index).toEqual({ deleted: [], opaque: [], entries: 0 });
  });

  it('has changed and new files, with owner, mode, attributes and time', async () => {
    const conf = join(source.merged, 'etc/app.conf');
    appendFileSync(conf, ', changed');
    chownSync(conf, 1000, 2000);
    chmodSync(conf, 0o640);
    utimesSync(conf, 1_600_000_000, 1_600_000_000);
    const tool = write(source.merged, 'opt/new/tool', Buffer.alloc(300_001, 7));
    chownSync(tool, 7, 8);
    chmodSync(tool, 0o6755);
    setXattr(tool, 'security.capability', CAPABILITY);
    setXattr(conf, 'user.note', Buffer.from([0, 255, 10, 61]));
    await same();
  });

  it('lacks what was deleted, and keeps nothing of a directory that was made anew', async () => {
    rmSync(join(source.merged, 'etc/gone.conf'));
    rmSync(join(source.merged, 'srv/whole'), { recursive: true });
    rmSync(join(source.merged, 'srv/cache'), { recursive: true });
    write(source.merged, 'srv/cache/new', 'new');
    const { index, applied } = await same();
    expect([...index.deleted].sort()).toEqual(['etc/gone.conf', 'srv/whole']);
    expect(index.opaque).toEqual(['srv/cache']);
    expect(applied.deleted).toBe(2);
  });

  it('has a directory where a file was, and the other way round', async () => {
    rmSync(join(source.merged, 'usr/was-file'));
    write(source.merged, 'usr/was-file/now', 'dir');
    rmSync(join(source.merged, 'usr/was-dir'), { recursive: true });
    write(source.merged, 'usr/was-dir', 'file');
    await same();
  });

  it('keeps hard links as links', async () => {
    const first = write(source.merged, 'var/a', 'linked');
    linkSync(first, join(source.merged, 'var/b'));
    linkSync(first, join(source.merged, 'etc/c'));
    const { target } = await roundTrip(source, lower);
    const inode = lstatSync(join(target, 'var/a')).ino;
    expect(lstatSync(join(target, 'var/b')).ino).toBe(inode);
    expect(lstatSync(join(target, 'etc/c')).ino).toBe(inode);
    expect(readFileSync(join(target, 'etc/c'), 'utf8')).toBe('linked');
  });

  it('has links, pipes, devices and empty folders, and long and strange names', async () => {
    mkdirSync(join(source.merged, 'var/empty'), { recursive: true, mode: 0o1777 });
    chmodSync(join(source.merged, 'var/empty'), 0o1777);
    for (const [name, to] of [
      ['loop', 'loop'],
      ['away', '/etc/shadow'],
      ['long', 'x'.repeat(300)],
    ] as const) {
      symlinkSync(to, join(source.merged, 'var', name));
      lchownSync(join(source.merged, 'var', name), 5, 6);
      lutimesSync(join(source.merged, 'var', name), 1_500_000_000, 1_500_000_000);
    }
    execFileSync('mkfifo', ['-m', '600', join(source.merged, 'var/pipe')]);
    execFileSync('mknod', [join(source.merged, 'var/char'), 'c', '250', '70000']);
    execFileSync('mknod', [join(source.merged, 'var/block'), 'b', '7', '300']);
    write(source.merged, LONG, 'long');
    write(source.merged, 'var/ein Käse\nmit "Löchern" ', 'cheese');
    write(source.merged, '-rf', 'dash');
    await same();
  });

  it('has no sockets and no stubs of mounted files', async () => {
    write(source.merged, 'etc/hosts', 'stub');
    const path = join(source.merged, 'listening');
    await new Promise<void>((ready) => (server = createServer().listen(path, ready)));
    expect(lstatSync(path).isSocket()).toBe(true);
    const { target } = await roundTrip(source, lower, ['/etc/hosts']);
    expect([...view(target).keys()]).not.toContain('etc/hosts');
    expect(lstatSync(join(target, 'listening'), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('says nothing of overlayfs’s own bookkeeping', async () => {
    appendFileSync(join(source.merged, 'etc/app.conf'), '!');
    const { target } = await roundTrip(source, lower);
    expect(JSON.stringify([...view(target)])).not.toContain('trusted.overlay');
  });

  it('has empty files', async () => {
    write(source.merged, 'var/empty-file', '');
    write(source.merged, 'var/last', 'x');
    await same();
  });

  it('opens to nobody a file whose mode is 000', async () => {
    chmodSync(write(source.merged, 'etc/shadow', 'secret'), 0o000);
    await same();
  });

  it('keeps owners beyond two million', async () => {
    const file = write(source.merged, 'var/owned', 'x');
    chownSync(file, 1_000_680_000, 1_000_680_001);
    await same();
  });

  it('is refused where a directory was renamed and the upper directory has a pointer only', async () => {
    const other = overlay(folder('redirecting'), lower, ',redirect_dir=on');
    renameSync(join(other.merged, 'srv'), join(other.merged, 'moved'));
    await expect(
      packRootfs({ upperDir: other.upper, mountPoints: [], tarFile: join(place.dir, 'r.tar') }),
    ).rejects.toMatchObject({
      reason: 'RootfsUnsupported',
    });
  });

  it('leaves out what need not be there again, but nothing that is in use, and says what it was', async () => {
    write(source.merged, 'root/.cache/huggingface/hub/weights', 'gigabytes');
    write(source.merged, 'srv/.cache/huggingface/mapped', 'in use');
    write(source.merged, 'root/.cache/other', 'kept');
    const index = await packRootfs({
      upperDir: source.upper,
      mountPoints: [],
      tarFile: join(place.dir, 'e.tar'),
      excludePaths: ['.cache/huggingface'],
      inUse: ['/srv/.cache/huggingface/mapped'],
    });
    expect(index.excluded).toEqual(['root/.cache/huggingface']);
    const packed = execFileSync('tar', ['-tf', join(place.dir, 'e.tar')]).toString();
    expect(packed).toContain('srv/.cache/huggingface/mapped');
    expect(packed).toContain('root/.cache/other');
    expect(packed).not.toContain('weights');
  });

  it('does not take the stub folder of a mount as a folder to empty, though redirect_dir=on makes it opaque', async () => {
    const other = overlay(folder('redirecting'), lower, ',redirect_dir=on');
    mkdirSync(join(other.merged, 'data'));
    const index = await packRootfs({
      upperDir: other.upper,
      mountPoints: ['/', '/data'],
      tarFile: join(place.dir, 'r.tar'),
    });
    expect(index.opaque).toEqual([]);
  });
});
