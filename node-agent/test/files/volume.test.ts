import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { artifactFile, volumeTar } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { applyFiles } from '@dynamo-snapshot/nsrestore/rootfs';
import { packFolder, packRootfs } from '../../src/files/pack';
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
    expect(await packFolder(from, join(artifact, volumeTar(0)))).toBe(3);
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
});
