import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest, ManifestFile } from '@dynamo-snapshot/api/manifest';
import {
  artifactFaults,
  beginArtifact,
  digestFiles,
  openArtifact,
  publish,
  removeArtifact,
} from '../../src/store/directory';

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
  let told = 0;
  const files = await digestFiles(staging, (bytes) => (told += bytes));
  expect(told).toBe(BIG + 7);
  return publish(staging, final, manifest(files), signal);
}

const manifest = (files: readonly ManifestFile[]): Manifest => ({
  version: 1,
  createdAt: '2026-01-01T00:00:00Z',
  artifact: { namespace: 'n', identityHash: 'h', uid: 'u' },
  source: { nodeName: 'node', architecture: 'x64', kernel: '6', criuVersion: '4' },
  container: { id: 'c', name: 'm', podName: 'p', podUid: 'u', image: 'i', imageDigest: 'd', command: [] },
  process: { count: 1, stdio: ['', '', ''], memoryBytes: 1, tree: { processes: [], limits: [] } },
  dump: { externalMounts: [], joinedNamespaces: [], pausedSeconds: 0 },
  volumes: [],
  files: [...files],
  sizeBytes: 1,
});

const faults = async (deep: boolean) => artifactFaults(await openArtifact(final), deep);

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
    expect(await faults(true)).toEqual([]);
  });

  it('puts nothing in its place once it must stop', async () => {
    await beginArtifact(staging, final);
    writeFileSync(join(staging, 'rootfs.tar'), 'tar');
    const files = await digestFiles(staging, () => {});
    const stop = AbortSignal.abort(new Error('enough'));
    await expect(publish(staging, final, manifest(files), stop)).rejects.toThrow('enough');
    expect(existsSync(final)).toBe(false);
  });

  it('does not start where there is one already', async () => {
    mkdirSync(final, { recursive: true });
    await expect(beginArtifact(staging, final)).rejects.toMatchObject({ reason: 'ArtifactExists' });
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
    ['a torn manifest', () => truncateSync(join(final, 'manifest.json'), 40), undefined, 'ArtifactInvalid'],
    ['another manifest', () => undefined, `sha256:${'0'.repeat(64)}`, 'ArtifactMismatch'],
  ])('refuses an artifact with %s', async (_, harm, wanted, reason) => {
    await published();
    harm();
    await expect(openArtifact(final, wanted)).rejects.toMatchObject({ reason });
  });
});

describe('artifactFaults', () => {
  it('names a missing file and a wrong size without reading everything', async () => {
    await published();
    rmSync(join(final, 'rootfs.tar'));
    truncateSync(join(final, 'criu', 'pages-1.img'), BIG - 1);
    expect(await faults(false)).toEqual([
      `criu/pages-1.img has ${BIG - 1} bytes, not ${BIG}`,
      'rootfs.tar is missing',
    ]);
  });

  it('finds another content of a small file always, of a big one when it reads every byte', async () => {
    await published();
    writeFileSync(join(final, 'criu', 'core-1.img'), 'CORE');
    writeFileSync(join(final, 'criu', 'pages-1.img'), Buffer.alloc(BIG, 2));
    expect(await faults(false)).toEqual(['criu/core-1.img has another content']);
    expect(await faults(true)).toEqual([
      'criu/core-1.img has another content',
      'criu/pages-1.img has another content',
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
