/** Reads an artifact's files through their digests: what is used is what was verified. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { ManifestFile } from '@dynamo-snapshot/api/manifest';
import { DIGEST_CHUNK_BYTES } from '@dynamo-snapshot/api/manifest';
import type { PagesIndex } from '@dynamo-snapshot/api/pages';
import { parsePagesIndex } from '@dynamo-snapshot/api/validate';
import type { Bytes } from '../engine-io';
import { allocate, release, viewOf } from '../linux/memory';
import { checkIndex } from '../memory/catalog';
import { CHUNK_BYTES } from '../memory/chunks';
import { readShards, shardTable } from '../memory/fill';
import type { Threads } from '../memory/pool';
import { ChunkTable } from '../memory/table';
import type { ReadTask } from '../memory/task';
import type { OpenArtifact } from './directory';
import { listFiles } from './directory';
import { digestFaults, fileFaults, fixedFiles, isShard } from './faults';

/** Larger files are verified where they lie, and used there. */
const MOST_LOADED_BYTES = 64 << 20;

export interface Verified {
  /** Every fault, with the file's name. */
  readonly faults: readonly string[];
  /** Files that were read into memory, decrypted. */
  readonly content: ReadonlyMap<string, Buffer>;
  /** Absent where CRIU wrote the pages. */
  readonly index?: PagesIndex;
}

/** Told how far a work is while it goes on. */
export type Watch = <T>(bytes: () => Bytes, work: () => Promise<T>) => Promise<T>;
const unwatched: Watch = (_, work) => work();

/** Everything but the bytes of the shards, which are verified when they are filled in. */
export async function verifyFiles(
  artifact: OpenArtifact,
  key: Uint8Array | undefined,
  pool: Threads,
  watch: Watch = unwatched,
): Promise<Verified> {
  const { dir, manifest } = artifact;
  const found = listFiles(dir).map((path) => ({ path, sizeBytes: statSync(join(dir, path)).size }));
  const others = found.filter(({ path }) => !isShard(path) && !fixedFiles.includes(path));
  const structure = [...fileFaults(manifest.files, others), ...digestFaults(manifest)];
  if (structure.length > 0) return { faults: structure, content: new Map() };
  const { faults, content } = await readFiles(artifact, key, pool, watch);
  const indexed = content.get(artifactFile.pagesIndex);
  const split = manifest.dump.pages === 'split';
  if (split && indexed === undefined && faults.length === 0)
    return { faults: [`${artifactFile.pagesIndex} is missing`], content };
  if (!split || indexed === undefined || faults.length > 0) return { faults, content };
  const index = parsePagesIndex(indexed.toString());
  checkIndex(index, CHUNK_BYTES);
  const shards = fileFaults(
    index.shards,
    found.filter(({ path }) => isShard(path)),
  );
  return { faults: shards, content, index };
}

async function readFiles(
  { dir, manifest }: OpenArtifact,
  key: Uint8Array | undefined,
  pool: Threads,
  watch: Watch,
): Promise<{ readonly faults: readonly string[]; readonly content: ReadonlyMap<string, Buffer> }> {
  const { files } = manifest;
  const isLoaded = (file: ManifestFile) => key !== undefined || file.sizeBytes <= MOST_LOADED_BYTES;
  const loaded = files.filter(isLoaded);
  const room = allocate(
    Math.max(
      1,
      loaded.reduce((sum, file) => sum + file.sizeBytes, 0),
    ),
    false,
  );
  try {
    const placed = new Map<ManifestFile, number>();
    let at = room.address;
    for (const file of loaded) {
      placed.set(file, at);
      at += file.sizeBytes;
    }
    const table = fileTable(files, (file) => placed.get(file));
    const task: ReadTask = {
      do: 'read',
      table: table.memory,
      files: files.map(({ path }) => join(dir, path)),
      names: files.map(({ path }) => path),
      ...{ first: 0, aligned: false, all: true },
      ...(key === undefined ? {} : { key }),
    };
    const { faults } = await watch(
      () => ({ done: table.doneBytes, total: table.totalBytes }),
      () => pool.run(() => task),
    );
    const content = loaded.map(
      (file) => [file.path, Buffer.from(viewOf(placed.get(file) ?? 0, file.sizeBytes))] as const,
    );
    return { faults, content: new Map(faults.length > 0 ? [] : content) };
  } finally {
    release(room);
  }
}

/** A row for each part of each file; `placeOf` tells where the file's bytes shall go. */
function fileTable(
  files: readonly ManifestFile[],
  placeOf: (file: ManifestFile) => number | undefined,
): ChunkTable {
  const parts = files.flatMap((file, number) =>
    file.digests.map((digest, i) => {
      const offset = i * DIGEST_CHUNK_BYTES;
      const length = Math.min(DIGEST_CHUNK_BYTES, file.sizeBytes - offset);
      const place = placeOf(file);
      const extents = place === undefined ? [] : [{ address: place + offset, length }];
      return { number, offset, digest, tag: file.tags?.[i], length, extents };
    }),
  );
  const chunks = parts.map(({ extents, length }) => ({ pid: 0, extents, bytes: length, startsEmpty: false }));
  const table = ChunkTable.of(chunks, () => 0);
  parts.forEach(({ number, offset, digest, tag, length }, row) => {
    table.placeInFile(row, number, offset, length);
    table.setDigest(row, Buffer.from(digest, 'hex'));
    if (tag !== undefined) table.setTag(row, Buffer.from(tag, 'base64'));
  });
  return table;
}

/** Every fault of the shards; nothing is put anywhere. */
export async function verifyShards(
  { dir }: OpenArtifact,
  index: PagesIndex,
  key: Uint8Array | undefined,
  pool: Threads,
  watch: Watch = unwatched,
): Promise<readonly string[]> {
  const table = shardTable(index);
  const task: ReadTask = { ...readShards(dir, index, key), table: table.memory, all: true };
  const { faults } = await watch(
    () => ({ done: table.doneBytes, total: table.totalBytes }),
    () => pool.run(() => task),
  );
  return faults;
}

/** Throws RestoreRefused with every fault. */
export function refuseFaulty({ faults }: Verified): void {
  if (faults.length > 0) throw new TerminalError('RestoreRefused', faults.join('; '));
}
