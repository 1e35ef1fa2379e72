import { copyFile, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { during } from '@dynamo-snapshot/api/errors';
import { writeArchive } from './layout';
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

/** Makes the image of the pods' sandboxes: the one static program, nothing else. */
export async function buildPauseImage(pause: string, archive: string): Promise<void> {
  await mkdir(dirname(archive), { recursive: true });
  const root = await mkdtemp(`${archive}.root-`);
  try {
    await copyFile(pause, join(root, 'pause'));
    await writeArchive({ name: PAUSE_IMAGE, entrypoint: ['/pause'], root }, archive);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
