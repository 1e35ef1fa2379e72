/** The manifest of an artifact whose memory is in CRIU's own page files; pure. Its length does not depend on digests. */
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest, ManifestFile } from '@dynamo-snapshot/api/manifest';
import { DIGEST_CHUNK_BYTES } from '@dynamo-snapshot/api/manifest';
import type { Places } from './places';

export const WHY = 'put together by kubectl snapshot export --criu';

const OF_SHARDS = ['bulkBytes', 'thinBytes', 'zeroBytes'] as const;

/** Of the files that are not as they were, by path. */
export type NewDigests = ReadonlyMap<string, readonly string[]>;

export const partsOf = (sizeBytes: number): readonly number[] =>
  Array.from({ length: Math.ceil(sizeBytes / DIGEST_CHUNK_BYTES) }, (_, i) =>
    Math.min(DIGEST_CHUNK_BYTES, sizeBytes - i * DIGEST_CHUNK_BYTES),
  );

export function rewritten(manifest: Manifest, { images, sizes }: Places, digests: NewDigests): Manifest {
  const old = new Map(manifest.files.map((file) => [file.path, file]));
  const fresh = [...new Set([...images.keys(), ...sizes.keys()])].map((path): ManifestFile => {
    const sizeBytes = sizes.get(path) ?? images.get(path)?.length ?? 0;
    const known = digests.get(path);
    return { path, sizeBytes, digests: known ? [...known] : partsOf(sizeBytes).map(() => NO_DIGEST) };
  });
  const files = [...old.values()].filter(({ path }) => path !== artifactFile.pagesIndex);
  const kept = files.filter(({ path }) => !images.has(path) && !sizes.has(path));
  const all = [...kept, ...fresh].sort((a, b) => (a.path < b.path ? -1 : 1));
  const dump = { ...manifest.dump };
  if (dump.pages === 'split') Object.assign(dump, { pages: 'criu', why: WHY });
  for (const key of OF_SHARDS) delete dump[key];
  return {
    ...manifest,
    dump,
    files: all,
    sizeBytes: all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

const NO_DIGEST = '0'.repeat(64);

export const manifestText = (manifest: Manifest): string => `${JSON.stringify(manifest, undefined, 1)}\n`;
