/** Makes an image of one layer out of a folder: an OCI archive as `ctr images import` takes it. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from './run';

export interface SmallImage {
  readonly name: string;
  readonly entrypoint: readonly string[];
  /** Folder that becomes the root of the image. */
  readonly root: string;
}

export async function writeArchive(image: SmallImage, archive: string): Promise<void> {
  await mkdir(dirname(archive), { recursive: true });
  const dir = await mkdtemp(`${archive}.building-`);
  try {
    const layout = join(dir, 'layout');
    const layer = join(dir, 'layer.tar');
    await mkdir(join(layout, 'blobs', 'sha256'), { recursive: true });
    const options = ['--owner=0', '--group=0', '--mtime=@0', '--sort=name'];
    await run({ argv: ['tar', ...options, '-cf', layer, '-C', image.root, '.'] });
    await writeLayout(layout, image, await readFile(layer));
    await run({ argv: ['tar', '-cf', `${dir}.tar`, '-C', layout, 'oci-layout', 'index.json', 'blobs'] });
    await rename(`${dir}.tar`, archive);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');

async function writeLayout(layout: string, { name, entrypoint }: SmallImage, layer: Buffer): Promise<void> {
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
  const image = { architecture, os: 'linux', config: { Entrypoint: entrypoint }, rootfs };
  const config = await blob('config.v1+json', JSON.stringify(image));
  const layers = [await blob('layer.v1.tar', layer)];
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = await blob(
    'manifest.v1+json',
    JSON.stringify({ schemaVersion: 2, mediaType, config, layers }),
  );
  const annotations = { 'io.containerd.image.name': name };
  await writeFile(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
  await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}
