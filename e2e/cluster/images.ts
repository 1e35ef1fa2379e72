import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { during } from '@dynamo-snapshot/api/errors';
import { inMember } from './member';
import { PAUSE_IMAGE } from './node';
import type { ProcessId } from './process';
import { run } from './run';

const ctr = (...args: readonly string[]): readonly ['ctr', ...string[]] => [
  'ctr',
  '--namespace',
  'k8s.io',
  'images',
  ...args,
];

/** Digests (sha256:…) in an OCI archive's index.json; none for text of another kind. */
export function manifestDigests(indexJson: string): readonly string[] {
  try {
    const index = JSON.parse(indexJson) as { readonly manifests?: readonly { readonly digest?: string }[] };
    return (index.manifests ?? []).flatMap(({ digest }) => (digest === undefined ? [] : [digest]));
  } catch {
    return [];
  }
}

/** Names of the images in an OCI archive's index.json: full references only. */
export function imageNames(indexJson: string): readonly string[] {
  type Manifest = { readonly annotations?: Readonly<Record<string, string>> };
  const index = JSON.parse(indexJson) as { readonly manifests?: readonly Manifest[] };
  return (index.manifests ?? []).flatMap(({ annotations = {} }) => {
    const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'];
    return name?.includes('/') === true ? [name] : [];
  });
}

/** Whether `ctr images list` shows each of the digests under each of the names. */
export function isLoaded(listed: string, names: readonly string[], digests: readonly string[]): boolean {
  const lines = listed.split('\n').map((line) => line.trim().split(/\s+/));
  const shows = (name: string): boolean =>
    lines.some(([ref, , digest]) => ref === name && digests.includes(digest ?? ''));
  return names.length > 0 && digests.length > 0 && names.every(shows);
}

/** Imports an image archive (OCI or docker) into a node's containerd; says whether it was needed. */
export async function loadImage(init: ProcessId, archive: string): Promise<boolean> {
  return during(`load ${archive}`, async () => {
    await stat(archive);
    const index = await run({ argv: ['tar', '-xOf', archive, 'index.json'] }).catch(() => '{}');
    const listed = await run({ argv: inMember(init, ctr('list')) });
    if (isLoaded(listed, imageNames(index), manifestDigests(index))) return false;
    await run({ argv: inMember(init, ctr('import', '-')), inputFile: archive, limitMs: 300_000 });
    return true;
  });
}

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');

/** Makes the image of the pods' sandboxes: the one static program, nothing else. */
export async function buildPauseImage(pause: string, archive: string): Promise<void> {
  await mkdir(join(archive, '..'), { recursive: true });
  const dir = await mkdtemp(`${archive}.building-`);
  try {
    const layout = join(dir, 'layout');
    const layer = join(dir, 'layer.tar');
    await mkdir(join(layout, 'blobs', 'sha256'), { recursive: true });
    await copyFile(pause, join(dir, 'pause'));
    await run({ argv: ['tar', '--owner=0', '--group=0', '--mtime=@0', '-cf', layer, '-C', dir, 'pause'] });
    await writeLayout(layout, await readFile(layer));
    await run({ argv: ['tar', '-cf', `${dir}.tar`, '-C', layout, 'oci-layout', 'index.json', 'blobs'] });
    await rename(`${dir}.tar`, archive);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function writeLayout(layout: string, layer: Buffer): Promise<void> {
  const blob = async (
    mediaType: string,
    data: Buffer | string,
  ): Promise<{ mediaType: string; digest: string; size: number }> => {
    const digest = sha256(data);
    await writeFile(join(layout, 'blobs', 'sha256', digest), data);
    return {
      mediaType: `application/vnd.oci.image.${mediaType}`,
      digest: `sha256:${digest}`,
      size: Buffer.byteLength(data),
    };
  };
  const rootfs = { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] };
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const image = { architecture, os: 'linux', config: { Entrypoint: ['/pause'] }, rootfs };
  const config = await blob('config.v1+json', JSON.stringify(image));
  const layers = [await blob('layer.v1.tar', layer)];
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = await blob(
    'manifest.v1+json',
    JSON.stringify({ schemaVersion: 2, mediaType, config, layers }),
  );
  const annotations = { 'io.containerd.image.name': PAUSE_IMAGE };
  await writeFile(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
  await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}
