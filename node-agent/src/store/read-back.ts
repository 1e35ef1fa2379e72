/** An artifact in its place, read as a restore would read it: nothing is said to be captured that is not there for a reader. */
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { Pool } from '../memory/pool';
import { openArtifact } from './directory';
import type { Keys } from './keys';
import { keyOf } from './keys';
import { verifyFiles } from './verify';

export interface ReadBack {
  readonly manifest: Manifest;
  readonly digest: string;
  readonly faults: readonly string[];
}

/** Throws where it cannot be opened at all (openArtifact). */
export async function readBack(
  dir: string,
  wanted: string | undefined,
  keys: Keys,
  pool: Pool,
): Promise<ReadBack> {
  const artifact = await openArtifact(dir, wanted, keys);
  const key = keyOf(artifact.manifest, keys);
  const { faults } = await verifyFiles(artifact, key, pool);
  return { manifest: artifact.manifest, digest: artifact.digest, faults };
}
