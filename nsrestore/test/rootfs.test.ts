import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import { Beneath, remove } from '../src/beneath';
import { applyFiles } from '../src/rootfs';
import { apply, artifact, dir, file, put, read, root, unsafe } from './artifact';
import { manifest } from './manifest';

describe('Beneath', () => {
  const named = (path: string): string => {
    const tree = Beneath.root(root);
    try {
      return realpathSync(tree.place(path));
    } finally {
      tree.close();
    }
  };

  it.each([
    ['a', 'a'],
    ['/b//c/./d', 'b/c/d'],
    ['a..b/..c', 'a..b/..c'],
    ['.', ''],
    ['', ''],
  ])('places %j below the root', (path, expected) => {
    put('a');
    put('b/c/d');
    put('a..b/..c');
    expect(named(path)).toBe(join(realpathSync(root), expected));
  });

  it.each(['..', '../x', 'a/../b', '/a/..', 'a/b/../../..', 'a\0b', `a/${'x'.repeat(256)}`])(
    'refuses %j',
    (path) => {
      expect(() => named(path)).toThrow(expect.objectContaining(unsafe));
    },
  );

  it('refuses a path through a link, wherever that leads', () => {
    mkdirSync(join(root, 'real'));
    symlinkSync('real', join(root, 'near'));
    symlinkSync(join(dir, 'agent'), join(root, 'far'));
    for (const link of ['near', 'far'])
      expect(() => named(`${link}/x`)).toThrow(expect.objectContaining(unsafe));
  });

  it('keeps to the folder that it has found, though a link takes its place', () => {
    put('etc/conf');
    const tree = Beneath.root(root);
    const at = tree.place('etc/new');
    renameSync(join(root, 'etc'), join(root, 'moved'));
    symlinkSync(join(dir, 'agent'), join(root, 'etc'));
    writeFileSync(at, 'x');
    tree.close();
    expect(read('moved/new')).toBe('x');
  });

  it('removes what is in a folder, and not what a link in it points to', () => {
    put('old/deep/x');
    symlinkSync(join(dir, 'agent'), join(root, 'old/link'));
    expect(remove(join(root, 'old'))).toBe(true);
    expect(existsSync(join(root, 'old'))).toBe(false);
    expect(readdirSync(join(dir, 'agent'))).toEqual(['secret']);
    expect(remove(join(root, 'old'))).toBe(false);
  });
});

describe('applyFiles', () => {
  it('deletes, empties, replaces and adds, and counts', async () => {
    for (const path of ['etc/gone', 'var/gone/deep/x', 'cache/old/x', 'etc/conf', 'etc/stays']) put(path);
    const result = await apply({
      deleted: ['etc/gone', 'var/gone', 'never/was'],
      opaque: ['cache'],
      items: [{ name: 'cache', type: 'directory', mode: 0o711 }, file('cache/new'), file('etc/conf')],
    });
    expect(result).toEqual({ written: 3, deleted: 2 });
    expect([existsSync(join(root, 'etc/gone')), existsSync(join(root, 'var/gone'))]).toEqual([false, false]);
    expect(readdirSync(join(root, 'cache'))).toEqual(['new']);
    expect([read('etc/conf'), read('etc/stays')]).toEqual(['new', 'old']);
    expect(statSync(join(root, 'cache')).mode & 0o7777).toBe(0o711);
  });

  it('keeps what an existing folder holds, and gives it the new mode', async () => {
    put('srv/kept');
    await apply({ items: [{ name: 'srv', type: 'directory', mode: 0o700 }] });
    expect([read('srv/kept'), statSync(join(root, 'srv')).mode & 0o7777]).toEqual(['old', 0o700]);
  });

  it('makes /tmp for CRIU, open to all and sticky, whatever the umask', async () => {
    const before = process.umask(0o077);
    try {
      await apply({});
    } finally {
      process.umask(before);
    }
    expect((statSync(join(root, 'tmp')).mode & 0o7777).toString(8)).toBe('1777');
  });

  it('leaves a /tmp that is there', async () => {
    mkdirSync(join(root, 'tmp'), { mode: 0o700 });
    await apply({});
    expect(statSync(join(root, 'tmp')).mode & 0o7777).toBe(0o700);
  });

  it('fills volumes at their mount paths', async () => {
    mkdirSync(join(root, 'data/deep'), { recursive: true });
    const { written } = await apply({
      volumes: [{ mountPath: '/data/deep', items: [file('x'), file('y')] }],
    });
    expect([read('data/deep/x'), read('data/deep/y'), written]).toEqual(['new', 'new', 2]);
  });

  it('fails on a tar that ends early', async () => {
    const cut = async () => {
      await apply({ items: [file('first'), file('second', 'x'.repeat(100_000))] });
    };
    await cut();
    truncateSync(join(artifact, artifactFile.rootfsTar), 20_000);
    await expect(applyFiles(artifact, root, manifest({}), () => {})).rejects.toThrow();
  });

  it('fails where a file of the artifact is missing', async () => {
    await apply({});
    rmSync(join(artifact, artifactFile.rootfsTar));
    await expect(applyFiles(artifact, root, manifest({}), () => {})).rejects.toThrow(/rootfs\.tar/);
  });

  it('refuses an index that is none', async () => {
    await apply({});
    writeFileSync(join(artifact, artifactFile.rootfsIndex), '{"deleted":"everything"}');
    await expect(applyFiles(artifact, root, manifest({}), () => {})).rejects.toMatchObject({
      reason: 'ArtifactInvalid',
    });
  });
});

const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;
describeAsRoot('applyFiles, where the pod has mounts', () => {
  const mounts: string[] = [];
  afterEach(() => {
    for (const path of mounts.splice(0)) execFileSync('umount', [path]);
  });
  const mounted = (path: string, options = 'rw'): void => {
    const at = join(root, path);
    mkdirSync(at, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', 'rootfs-test', at]);
    mounts.push(at);
    writeFileSync(join(at, 'claim'), 'of the pod');
    execFileSync('mount', ['-o', `remount,${options}`, at]);
  };

  it('writes a volume through its mount', async () => {
    mounted('data');
    await apply({ volumes: [{ mountPath: '/data', items: [file('x')] }] });
    expect([read('data/x'), read('data/claim')]).toEqual(['new', 'of the pod']);
  });

  it('is not stopped by a read-only mount that the difference does not name', async () => {
    mounted('run/secrets/token', 'ro');
    await apply({
      items: [
        { name: 'run', type: 'directory' },
        { name: 'run/secrets', type: 'directory' },
      ],
    });
    expect(read('run/secrets/token/claim')).toBe('of the pod');
  });
});
