/** The artifact of a restore: opened, checked against its digests, and laid out for CRIU where nobody else can write. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { EngineConfig } from '../config';
import type { EngineIo } from '../engine-io';
import { mount, MS } from '../linux/syscalls';
import type { Threads } from '../memory/pool';
import { readersFor } from '../memory/this-thread';
import type { OpenArtifact } from '../store/directory';
import type { Keys } from '../store/keys';
import { keyOf } from '../store/keys';
import type { Verified, Watch } from '../store/verify';
import { verifyFiles, verifyShards } from '../store/verify';

export interface Checked {
  readonly artifact: OpenArtifact;
  readonly verified: Verified;
  readonly key: Buffer | undefined;
}

export async function check(
  artifact: OpenArtifact,
  keys: Keys,
  pool: Threads,
  { steps, config }: Pick<EngineIo, 'steps'> & { readonly config: Pick<EngineConfig, 'verifyFirst'> },
): Promise<Checked> {
  const key = keyOf(artifact.manifest, keys);
  const watch: Watch = (bytes, work) => steps.follow('verify', bytes, work);
  const bytes = artifact.manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const readers = readersFor(bytes, pool);
  const verified = await verifyFiles(artifact, key, readers, watch);
  const { faults, index } = verified;
  if (!config.verifyFirst || index === undefined || faults.length > 0) return { artifact, key, verified };
  // They are digested again while they are filled in: what is used is what was verified.
  const damaged = await verifyShards(artifact, index, key, pool, watch);
  return { artifact, key, verified: { ...verified, faults: damaged } };
}

/**
 * The verified bytes as files of a private file system: whoever can write to the store cannot change them any more, and encrypted
 * ones are on no disk. `edits` are put in the place of files. Files too large for
 * memory were verified where they lie, and are mounted: CRIU opens some from inside of the restored tree's own root, where a link
 * would lead nowhere. Synchronous: see namespace.ts.
 */
export function layOut(
  { artifact, verified }: Checked,
  edits: ReadonlyMap<string, Buffer>,
  dir: string,
): void {
  const { manifest, text } = artifact;
  for (const { path } of manifest.files) {
    const file = join(dir, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const content = edits.get(path) ?? verified.content.get(path);
    writeFileSync(file, content ?? '', { mode: 0o600 });
    if (content === undefined) mount(join(artifact.dir, path), file, '', MS.BIND);
  }
  writeFileSync(join(dir, artifactFile.manifest), text, { mode: 0o600 });
}
