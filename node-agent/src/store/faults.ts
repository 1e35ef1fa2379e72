/** What is wrong with the files of an artifact before one of them is read; pure. */
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { DIGEST_CHUNK_BYTES } from '@dynamo-snapshot/api/manifest';

export interface FoundFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Shards are named by the index, which is not read yet. */
const SHARD = /^pages\/shard-\d+$/;

export const isShard = (path: string): boolean => SHARD.test(path);

/** Missing, of another size, unknown: each with its name. */
export function fileFaults(wanted: readonly FoundFile[], found: readonly FoundFile[]): readonly string[] {
  const there = new Map(found.map(({ path, sizeBytes }) => [path, sizeBytes]));
  const named = new Set(wanted.map(({ path }) => path));
  return [
    ...wanted.flatMap(({ path, sizeBytes }) => {
      const size = there.get(path);
      if (size === undefined) return [`${path} is missing`];
      return size === sizeBytes ? [] : [`${path} has ${size} bytes, not ${sizeBytes}`];
    }),
    ...found
      .filter(({ path }) => !named.has(path))
      .map(({ path }) => `${path} does not belong to the artifact`),
  ];
}

/** Not in the manifest: the two files that vouch for the others, and marks that no restore reads. */
export const fixedFiles: readonly string[] = [
  artifactFile.manifest,
  artifactFile.seal,
  artifactFile.retained,
  artifactFile.orphaned,
];

/** Parts without a digest would be trusted unread. */
export const digestFaults = ({ files, encryption }: Manifest): readonly string[] =>
  files
    .filter(({ sizeBytes, digests, tags }) => {
      const parts = Math.ceil(sizeBytes / DIGEST_CHUNK_BYTES);
      return digests.length !== parts || (encryption !== undefined && tags?.length !== parts);
    })
    .map(({ path }) => `${artifactFile.manifest} does not have a digest for each part of ${path}`);
