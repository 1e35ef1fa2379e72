/** Artifacts as folders of a mounted volume: written beside their place, synced, then renamed into it. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { during, TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest, ManifestFile } from '@dynamo-snapshot/api/manifest';
import { parseManifest } from '@dynamo-snapshot/api/validate';
import { unlessStopped } from '../engine-io';

export interface OpenArtifact {
  readonly dir: string;
  readonly manifest: Manifest;
  /** sha256:<hex> of manifest.json. */
  readonly digest: string;
}

/** An empty staging folder. What an earlier attempt left there is removed. */
export async function beginArtifact(stagingDir: string, finalDir: string): Promise<void> {
  if (existsSync(finalDir)) throw new TerminalError('ArtifactExists', `${finalDir} exists already`);
  await rm(stagingDir, { recursive: true, force: true });
  await mkdir(stagingDir, { recursive: true, mode: 0o700 });
}

/** Size and digest of every file below the folder, but the manifest. */
export async function digestFiles(
  dir: string,
  onBytes: (bytes: number) => void,
): Promise<readonly ManifestFile[]> {
  const files = listFiles(dir).filter((path) => path !== artifactFile.manifest);
  const done: ManifestFile[] = [];
  const work = [...files];
  const worker = async () => {
    for (let path = work.shift(); path !== undefined; path = work.shift()) {
      const file = join(dir, path);
      done.push({ path, sizeBytes: statSync(file).size, sha256: await sha256(file, onBytes) });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_DIGESTS }, worker));
  return done.sort((a, b) => (a.path < b.path ? -1 : 1));
}

const PARALLEL_DIGESTS = 4;

const listFiles = (dir: string): readonly string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)));

const listFolders = (dir: string): readonly string[] => [
  ...readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name)),
  dir,
];

async function sha256(file: string, onBytes: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256');
  const stream = createReadStream(file, { highWaterMark: 4 << 20 });
  stream.on('data', (chunk) => onBytes(chunk.length));
  await pipeline(stream, hash);
  return hash.digest('hex');
}

/** Manifest last, everything on the disk, then one rename, before which it may be stopped. Returns the manifest's digest. */
export async function publish(
  stagingDir: string,
  finalDir: string,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<string> {
  const text = `${JSON.stringify(manifest, undefined, 1)}\n`;
  await writeFile(join(stagingDir, artifactFile.manifest), text, { mode: 0o600 });
  await during('sync the artifact', async () => {
    for (const path of listFiles(stagingDir)) await unlessStopped(signal, () => sync(join(stagingDir, path)));
    // A file is found again after a crash only if its folder was synced too (fsync(2)).
    for (const folder of listFolders(stagingDir)) await unlessStopped(signal, () => sync(folder));
  });
  signal.throwIfAborted();
  await rename(stagingDir, finalDir);
  await sync(dirname(finalDir));
  return digestOf(text);
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** Throws ArtifactNotFound, ArtifactInvalid, or ArtifactMismatch where the manifest is not the one that was asked for. */
export async function openArtifact(dir: string, wanted?: string): Promise<OpenArtifact> {
  const file = join(dir, artifactFile.manifest);
  if (!existsSync(file)) throw new TerminalError('ArtifactNotFound', `${file} does not exist`);
  const text = await readFile(file, 'utf8');
  const digest = digestOf(text);
  if (wanted !== undefined && wanted !== digest)
    throw new TerminalError(
      'ArtifactMismatch',
      `${artifactFile.manifest} has digest ${digest}, not ${wanted}`,
    );
  return { dir, digest, manifest: parseManifest(text) };
}

/** Every fault of the artifact's files. `deep` reads every byte; else the digests of small files and all sizes are compared. */
export async function artifactFaults(
  { dir, manifest }: OpenArtifact,
  deep: boolean,
): Promise<readonly string[]> {
  const faults = await Promise.all(manifest.files.map((file) => faultOf(dir, file, deep)));
  return faults.filter((fault) => fault !== undefined);
}

const SMALL_BYTES = 1 << 20;

async function faultOf(dir: string, wanted: ManifestFile, deep: boolean): Promise<string | undefined> {
  const file = join(dir, wanted.path);
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return `${wanted.path} is missing`;
  if (stats.size !== wanted.sizeBytes)
    return `${wanted.path} has ${stats.size} bytes, not ${wanted.sizeBytes}`;
  if (!deep && stats.size > SMALL_BYTES) return undefined;
  return (await sha256(file, () => {})) === wanted.sha256 ? undefined : `${wanted.path} has another content`;
}

/** Marks it for the sweep; what is not there needs no mark. */
export async function retainArtifact(dir: string): Promise<void> {
  if (!existsSync(dir)) return;
  await writeFile(join(dir, artifactFile.retained), '', { mode: 0o600 });
  await sync(dir);
}

/** Out of sight first, then away; what is not there is fine. Empty parents go too. */
export async function removeArtifact(dir: string): Promise<void> {
  const doomed = join(dirname(dir), `.deleting-${dir.split('/').pop()}`);
  if (existsSync(dir)) await rename(dir, doomed);
  await rm(doomed, { recursive: true, force: true });
}
