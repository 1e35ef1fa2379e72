/** What is in an image archive (OCI layout in a tar, layers not compressed), as a container sees it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ImageFile {
  readonly path: string;
  readonly sizeBytes: number;
}

interface Index {
  readonly manifests: readonly { readonly digest: string }[];
}
interface Manifest {
  readonly layers: readonly { readonly digest: string }[];
}

const tar = (args: readonly string[]): string =>
  execFileSync('tar', args, { encoding: 'utf8', maxBuffer: 64 << 20, env: { ...process.env, TZ: 'UTC' } });

/** "-rwxr-xr-x 0/0 123 2026-01-01 00:00 path", also with " -> target" and " link to other". */
const LINE = /^(\S)\S+ \S+ +(\d+) \S+ \S+ (.+)$/;

function filesOf(layer: string): readonly ImageFile[] {
  return tar(['--numeric-owner', '-tvf', layer])
    .split('\n')
    .flatMap((line) => {
      const [, kind, size, name = ''] = LINE.exec(line) ?? [];
      if (kind === undefined || kind === 'd') return [];
      const path = name.replace(/ (->|link to) .*$/, '').replace(/^\.?\//, '');
      return [{ path, sizeBytes: kind === '-' ? Number(size) : 0 }];
    });
}

/** The upper one of two files; a whiteout takes away what is below it. */
function stacked(layers: readonly (readonly ImageFile[])[]): readonly ImageFile[] {
  const seen = new Map<string, ImageFile>();
  for (const file of layers.flat()) {
    const whiteout = /^(.*\/)?\.wh\.([^/]+)$/.exec(file.path);
    if (whiteout === null) seen.set(file.path, file);
    else seen.delete(`${whiteout[1] ?? ''}${whiteout[2]}`);
  }
  return [...seen.values()];
}

/** Files of all layers of the archive's image. */
export function imageFiles(archive: string): readonly ImageFile[] {
  const dir = mkdtempSync(join(tmpdir(), 'image-'));
  try {
    tar(['-C', dir, '-xf', archive]);
    const blob = (digest: string): string => join(dir, 'blobs', ...digest.split(':'));
    const read = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;
    const [first] = read<Index>(join(dir, 'index.json')).manifests;
    if (first === undefined) throw new Error(`${archive} holds no image`);
    const layers = read<Manifest>(blob(first.digest)).layers.map(({ digest }) => filesOf(blob(digest)));
    return stacked(layers);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
