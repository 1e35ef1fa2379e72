/** Artifacts as folders of a mounted volume: written beside their place, synced, then renamed into it. */
import type { KeyObject } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { during, TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile, besidePrefix } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { parseManifest } from '@dynamo-snapshot/api/validate';
import { unlessStopped } from '../engine-io';
import type { SignaturePolicy } from './seal';
import { checkSeal, digestOf, sealOf } from './seal';

export interface OpenArtifact {
  readonly dir: string;
  readonly manifest: Manifest;
  /** manifest.json as it was read. */
  readonly text: string;
  /** sha256:<hex> of it. */
  readonly digest: string;
}

/**
 * An empty staging folder. What an earlier attempt left there is removed. `willMake` is told when the folder around it is there: who
 * takes it back, and finds none, takes the whole volume for gone.
 */
export async function beginArtifact(
  stagingDir: string,
  finalDir: string,
  willMake: () => void = () => {},
): Promise<void> {
  if (existsSync(finalDir)) throw new TerminalError('ArtifactExists', `${finalDir} exists already`);
  await mkdir(dirname(stagingDir), { recursive: true, mode: 0o700 });
  willMake();
  await rm(stagingDir, { recursive: true, force: true });
  await mkdir(stagingDir, { recursive: true, mode: 0o700 });
}

/** Throws where the volume has gone, and the folder was made in the empty one below its mount. */
export async function mustLieOn(device: number | undefined, dir: string): Promise<void> {
  if (device !== undefined && (await stat(dir)).dev !== device)
    throw new Error(`${dir} does not lie on the volume of the store, which has gone`);
}

/** Paths of all files below the folder, relative to it. Throws ArtifactInvalid where there is anything but files and folders. */
export const listFiles = (dir: string): readonly string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const path = relative(dir, join(entry.parentPath, entry.name));
    if (entry.isDirectory()) return [];
    if (!entry.isFile()) throw new TerminalError('ArtifactInvalid', `${path} is no ordinary file`);
    return [path];
  });

const listFolders = (dir: string): readonly string[] => [
  ...readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name)),
  dir,
];

export interface Publication {
  readonly stagingDir: string;
  readonly finalDir: string;
  readonly manifest: Manifest;
  /** Signs the manifest. */
  readonly key?: KeyObject;
}

/** Manifest and seal last, everything on the disk, then one rename, before which it may be stopped. Returns the manifest's digest. */
export async function publish(
  { stagingDir, finalDir, manifest, key }: Publication,
  signal: AbortSignal,
): Promise<string> {
  const text = `${JSON.stringify(manifest, undefined, 1)}\n`;
  await writeFile(join(stagingDir, artifactFile.manifest), text, { mode: 0o600 });
  const seal = `${JSON.stringify(sealOf(text, key))}\n`;
  await writeFile(join(stagingDir, artifactFile.seal), seal, { mode: 0o600 });
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

const NOBODY: SignaturePolicy = { trusted: [], required: false };

/**
 * Throws ArtifactNotFound, ArtifactInvalid, ArtifactDamaged, ArtifactMismatch where the manifest is not the one that was asked for, or
 * SignatureRefused.
 */
export async function openArtifact(
  dir: string,
  wanted?: string,
  policy: SignaturePolicy = NOBODY,
): Promise<OpenArtifact> {
  const [text, seal] = await Promise.all(
    [artifactFile.manifest, artifactFile.seal].map((f) => textOf(dir, f)),
  );
  const digest = digestOf(text ?? '');
  if (wanted !== undefined && wanted !== digest)
    throw new TerminalError(
      'ArtifactMismatch',
      `${artifactFile.manifest} has digest ${digest}, not ${wanted}`,
    );
  checkSeal(text ?? '', seal ?? '', policy);
  return { dir, digest, text: text ?? '', manifest: parseManifest(text ?? '') };
}

async function textOf(dir: string, name: string): Promise<string> {
  const file = join(dir, name);
  if (!existsSync(file)) throw new TerminalError('ArtifactNotFound', `${file} does not exist`);
  return readFile(file, 'utf8');
}

/** Marks it for the sweep; what is not there needs no mark. */
export async function retainArtifact(dir: string): Promise<void> {
  if (!existsSync(dir)) return;
  await writeFile(join(dir, artifactFile.retained), '', { mode: 0o600 });
  await sync(dir);
}

/** Out of sight first, then away; what is not there is fine. */
export async function removeArtifact(dir: string): Promise<void> {
  const doomed = join(dirname(dir), `${besidePrefix.deleting}${basename(dir)}`);
  if (existsSync(dir)) await rename(dir, doomed);
  await rm(doomed, { recursive: true, force: true });
}
