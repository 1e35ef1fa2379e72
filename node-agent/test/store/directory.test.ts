import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Manifest, ManifestFile } from '@dynamo-snapshot/api/manifest';
import { Pool } from '../../src/memory/pool';
import { digestFiles } from '../../src/store/digest';
import { beginArtifact, mustLieOn, openArtifact, publish, removeArtifact } from '../../src/store/directory';
import { verifyFiles } from '../../src/store/verify';
import { manifestOf } from './artifact';

let pool: Pool;
beforeAll(() => (pool = new Pool(2)));
afterAll(() => pool.close());

let root: string;
let staging: string;
let final: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'store-'));
  staging = join(root, 'n', 'h', '.staging-u');
  final = join(root, 'n', 'h', 'u');
});
afterEach(() => rmSync(root, { recursive: true }));

const BIG = 3 << 20;

/** Never aborted. */
const { signal } = new AbortController();

/** Publishes an artifact of two small files and a big one. */
async function published(): Promise<string> {
  await beginArtifact(staging, final);
  mkdirSync(join(staging, 'criu'));
  writeFileSync(join(staging, 'rootfs.tar'), 'tar');
  writeFileSync(join(staging, 'criu', 'core-1.img'), 'core');
  writeFileSync(join(staging, 'criu', 'pages-1.img'), Buffer.alloc(BIG, 1));
  const files = await digestFiles(staging, undefined, pool);
  return publish({ stagingDir: staging, finalDir: final, manifest: manifest(files) }, signal);
}

const manifest = (files: readonly ManifestFile[]): Manifest => {
  const split = manifestOf(files);
  return { ...split, dump: { ...split.dump, pages: 'criu' } };
};

const faults = async () => (await verifyFiles(await openArtifact(final), undefined, pool)).faults;

describe('publishing', () => {
  it('puts a whole artifact in its place', async () => {
    const digest = await published();
    expect(readdirSync(join(root, 'n', 'h'))).toEqual(['u']);
    const artifact = await openArtifact(final, digest);
    expect(artifact.digest).toBe(digest);
    expect(artifact.manifest.files.map((f) => [f.path, f.sizeBytes])).toEqual([
      ['criu/core-1.img', 4],
      ['criu/pages-1.img', BIG],
      ['rootfs.tar', 3],
    ]);
    expect(await faults()).toEqual([]);
    expect([final, join(final, 'manifest.json')].map((path) => statSync(path).mode & 0o777)).toEqual([
      0o700, 0o600,
    ]);
  });

  it('tells how much of it is verified', async () => {
    await published();
    let told = { done: -1, total: -1 };
    await verifyFiles(await openArtifact(final), undefined, pool, async (bytes, work) => {
      expect(bytes()).toEqual({ done: 0, total: BIG + 7 });
      const result = await work();
      told = bytes();
      return result;
    });
    // In whole pages.
    expect(told).toEqual({ done: BIG + 2 * 4096, total: BIG + 7 });
  });

  it('puts nothing in its place once it must stop', async () => {
    await beginArtifact(staging, final);
    writeFileSync(join(staging, 'rootfs.tar'), 'tar');
    const files = await digestFiles(staging, undefined, pool);
    const stop = AbortSignal.abort(new Error('enough'));
    const publication = { stagingDir: staging, finalDir: final, manifest: manifest(files) };
    await expect(publish(publication, stop)).rejects.toThrow('enough');
    expect(existsSync(final)).toBe(false);
  });

  it('does not start where there is one already', async () => {
    mkdirSync(final, { recursive: true });
    await expect(beginArtifact(staging, final)).rejects.toMatchObject({ reason: 'ArtifactExists' });
  });

  it('is told of before it is made, and when what it lies in is there', async () => {
    const seen: boolean[] = [];
    await beginArtifact(staging, final, () => seen.push(existsSync(dirname(staging)), existsSync(staging)));
    expect(seen).toEqual([true, false]);
    const nowhere = join(root, 'no-folder');
    writeFileSync(nowhere, '');
    const told = jest.fn();
    await expect(beginArtifact(`${nowhere}/.staging-u`, `${nowhere}/u`, told)).rejects.toThrow();
    expect(told).not.toHaveBeenCalled();
  });

  it('starts without what an earlier attempt has left', async () => {
    mkdirSync(staging, { recursive: true });
    writeFileSync(join(staging, 'old'), 'x');
    await beginArtifact(staging, final);
    expect(readdirSync(staging)).toEqual([]);
  });
});

describe('opening', () => {
  it.each([
    ['no manifest', () => rmSync(join(final, 'manifest.json')), undefined, 'ArtifactNotFound'],
    ['a torn manifest', () => truncateSync(join(final, 'manifest.json'), 40), undefined, 'ArtifactDamaged'],
    ['no seal', () => rmSync(join(final, 'seal.json')), undefined, 'ArtifactNotFound'],
    ['another manifest', () => undefined, `sha256:${'0'.repeat(64)}`, 'ArtifactMismatch'],
  ])('refuses an artifact with %s', async (_, harm, wanted, reason) => {
    await published();
    harm();
    await expect(openArtifact(final, wanted)).rejects.toMatchObject({ reason });
  });
});

describe('faults', () => {
  it('are told of all files at once', async () => {
    await published();
    rmSync(join(final, 'rootfs.tar'));
    truncateSync(join(final, 'criu', 'pages-1.img'), BIG - 1);
    expect(await faults()).toEqual([
      `criu/pages-1.img has ${BIG - 1} bytes, not ${BIG}`,
      'rootfs.tar is missing',
    ]);
  });

  it('name every file with another content', async () => {
    await published();
    writeFileSync(join(final, 'criu', 'core-1.img'), 'CORE');
    writeFileSync(join(final, 'criu', 'pages-1.img'), Buffer.alloc(BIG, 2));
    expect([...(await faults())].sort()).toEqual([
      'criu/core-1.img has another content at 0',
      'criu/pages-1.img has another content at 0',
    ]);
  });
});

describe('removeArtifact', () => {
  it('removes it, may do so again, and spares its neighbours', async () => {
    await published();
    const neighbour = join(root, 'n', 'h', 'v');
    mkdirSync(neighbour);
    await removeArtifact(final);
    await removeArtifact(final);
    expect(readdirSync(join(root, 'n', 'h'))).toEqual(['v']);
    expect(existsSync(neighbour)).toBe(true);
  });

  it('finishes what a crash has interrupted', async () => {
    await published();
    mkdirSync(join(root, 'n', 'h', '.deleting-w', 'criu'), { recursive: true });
    await removeArtifact(join(root, 'n', 'h', 'w'));
    expect(readdirSync(join(root, 'n', 'h'))).toEqual(['u']);
  });
});

describe('a folder that was made for an artifact', () => {
  it('is refused where it does not lie on the volume that the agent was given', async () => {
    await beginArtifact(staging, final);
    const { dev } = statSync(root);
    await expect(mustLieOn(dev + 1, staging)).rejects.toThrow('which has gone');
    await mustLieOn(dev, staging);
    await mustLieOn(undefined, staging);
  });
});
