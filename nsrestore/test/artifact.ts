/** An artifact made by hand, and a root to apply it to. Importing this arranges both for the tests of the importing file. */
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Header } from 'tar-stream';
import { pack } from 'tar-stream';
import { artifactFile, volumeTar } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { applyFiles } from '../src/rootfs';
import { manifest } from './manifest';

export let dir: string;
export let root: string;
export let artifact: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rootfs-'));
  root = join(dir, 'root');
  artifact = join(dir, 'artifact');
  for (const path of [root, join(artifact, artifactFile.volumes), join(dir, 'agent')])
    mkdirSync(path, { recursive: true });
  writeFileSync(join(dir, 'agent/secret'), 'of the agent');
});
afterEach(() => rmSync(dir, { recursive: true }));

export type Item = Partial<Header> & { readonly name: string; readonly content?: string };

async function tar(file: string, items: readonly Item[]): Promise<void> {
  const stream = pack();
  const written = pipeline(stream, createWriteStream(join(artifact, file)));
  for (const { content = '', ...header } of items)
    stream.entry({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, ...header }, content);
  stream.finalize();
  await written;
}

export interface Given {
  readonly deleted?: readonly string[];
  readonly opaque?: readonly string[];
  readonly items?: readonly Item[];
  readonly volumes?: readonly { readonly mountPath: string; readonly items: readonly Item[] }[];
}

/** Writes an artifact and applies it to `root`. */
export async function apply({ deleted = [], opaque = [], items = [], volumes = [] }: Given) {
  writeFileSync(
    join(artifact, artifactFile.rootfsIndex),
    JSON.stringify({ deleted, opaque, entries: items.length }),
  );
  await tar(artifactFile.rootfsTar, items);
  for (const [i, volume] of volumes.entries()) await tar(volumeTar(i), volume.items);
  const named: Manifest['volumes'] = volumes.map(({ mountPath }, i) => ({
    name: 'v',
    mountPath,
    file: volumeTar(i),
  }));
  return applyFiles(artifact, root, manifest({ volumes: named }), () => {});
}

export const put = (path: string, content = 'old'): void => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), content);
};
export const read = (path: string): string => readFileSync(join(root, path), 'utf8');
export const file = (name: string, content = 'new'): Item => ({ name, content, type: 'file' });
export const unsafe = { reason: 'RootfsUnsafe' };
