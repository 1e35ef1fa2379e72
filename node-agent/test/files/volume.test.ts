import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { artifactFile, volumeTar } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { applyFiles } from '@dynamo-snapshot/nsrestore/rootfs';
import { packFolder, packRootfs } from '../../src/files/pack';
import { openEntry, openFolder, resolvedBelow, walk } from '../../src/files/walk';
import type { Scratch } from './tree';
import { scratch, setXattr, view } from './tree';

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

const folder = (name: string): string => {
  const dir = join(place.dir, name);
  mkdirSync(dir, { recursive: true });
  return dir;
};

describeAsRoot('a volume, packed and applied', () => {
  it('has the same content, sockets apart', async () => {
    const from = folder('from');
    write(from, 'log/data.txt', 'line');
    linkSync(join(from, 'log/data.txt'), join(from, 'again'));
    await new Promise<void>((ready) => (server = createServer().listen(join(from, 'sock'), ready)));
    const artifact = folder('artifact');
    mkdirSync(join(artifact, artifactFile.volumes));
    expect(
      await packFolder({ root: from, path: '/', mountPoints: [], tarFile: join(artifact, volumeTar(0)) }),
    ).toBe(3);
    const nothing = mkdtempSync(join(place.dir, 'upper-'));
    const index = await packRootfs({
      upperDir: nothing,
      mountPoints: [],
      tarFile: join(artifact, artifactFile.rootfsTar),
    });
    writeFileSync(join(artifact, artifactFile.rootfsIndex), JSON.stringify(index));
    const root = folder('root');
    mkdirSync(join(root, 'data'));
    const manifest = {
      volumes: [{ name: 'd', mountPath: '/data', file: volumeTar(0) }],
    } as unknown as Manifest;
    await applyFiles(artifact, root, manifest, setXattr);
    expect(view(join(root, 'data'))).toEqual(view(from));
  });

  it('is packed though a sidecar goes on writing to one of its files', async () => {
    const from = folder('from');
    const log = write(from, 'log', Buffer.alloc(8_000_000, 1));
    const program = ['--import', 'tsx', join(__dirname, 'pack-one.ts'), from, join(place.dir, 'v.tar'), log];
    // A process of its own: a failure that nobody waits for ends the process that packs.
    const { stdout, stderr, status } = spawnSync(process.execPath, program, {
      encoding: 'utf8',
      cwd: join(__dirname, '../../..'),
    });
    expect({ stdout, status, stderr }).toMatchObject({ stdout: 'packed 1\n', status: 0 });
  });

  const packed = async (root: string, path: string, mountPoints: readonly string[] = []) => {
    const tarFile = join(place.dir, 'v.tar');
    await packFolder({ root, path, mountPoints, tarFile });
    return execFileSync('tar', ['-tf', tarFile], { encoding: 'utf8' }).split('\n').filter(Boolean);
  };

  it.each([
    ['is a link', (root: string, secret: string) => symlinkSync(secret, join(root, 'data'))],
    [
      'lies behind a link',
      (root: string, secret: string) => symlinkSync(join(secret, '..'), join(root, 'data')),
    ],
    ['is a file', (root: string) => writeFileSync(join(root, 'data'), '')],
    ['is missing', () => undefined],
  ])('is refused where its mount path %s', async (_, arrange) => {
    const root = folder('root');
    write(place.dir, 'agent/data/token', 'of the agent');
    arrange(root, join(place.dir, 'agent/data'));
    for (const path of ['/data', '/data/data'])
      await expect(packed(root, path)).rejects.toMatchObject({ reason: 'FilesUnsafe' });
  });

  it('has links as links, whatever they point to', async () => {
    write(place.dir, 'agent/token', 'of the agent');
    const root = folder('root');
    mkdirSync(join(root, 'data'));
    symlinkSync(join(place.dir, 'agent'), join(root, 'data/link'));
    expect(await packed(root, '/data')).toEqual(['link']);
  });

  it('leaves out what another volume has mounted in it', async () => {
    const root = folder('root');
    write(root, 'data/secret/key', 'k');
    write(root, 'data/own', 'x');
    expect(await packed(root, '/data', ['/', '/data', '/data/secret'])).toEqual(['own']);
  });

  it('never shows what a container swaps in while it is walked', () => {
    write(place.dir, 'agent/token', 'of the agent');
    const root = folder('root');
    write(root, 'data/a', 'a');
    write(root, 'data/sub/b', 'b');
    const fd = openFolder(root, '/data');
    const seen: string[] = [];
    for (const entry of walk(fd, () => false)) {
      seen.push(entry.path);
      if (entry.path === 'sub') {
        renameSync(join(root, 'data/sub'), join(root, 'data/.sub'));
        symlinkSync(join(place.dir, 'agent'), join(root, 'data/sub'));
      }
      if (entry.path === 'a') {
        rmSync(join(root, 'data/a'));
        symlinkSync(join(place.dir, 'agent/token'), join(root, 'data/a'));
        expect(openEntry(entry)).toBeUndefined();
      }
    }
    closeSync(fd);
    expect(seen).toEqual(['a', 'sub']);
  });

  it.each([
    ['/data', '/data'],
    ['/data/../data/./sub/', '/data/sub'],
    ['/var/run/app', '/run/app'],
    ['/near/x', '/run/x'],
    ['/climbing/x', '/data/x'],
    ['/../../data', '/data'],
  ])('is looked for at %s where the runtime has mounted it, %s', (path, expected) => {
    const root = folder('root');
    for (const dir of ['data', 'run', 'var']) mkdirSync(join(root, dir));
    symlinkSync('/run', join(root, 'var/run'));
    symlinkSync('var/../run', join(root, 'near'));
    symlinkSync('../../../data', join(root, 'climbing'));
    expect(resolvedBelow(root, path)).toBe(expected);
  });

  it('is not looked for along links without end', () => {
    const root = folder('root');
    symlinkSync('b', join(root, 'a'));
    symlinkSync('a', join(root, 'b'));
    expect(() => resolvedBelow(root, '/a')).toThrow(expect.objectContaining({ reason: 'FilesUnsafe' }));
  });
});
