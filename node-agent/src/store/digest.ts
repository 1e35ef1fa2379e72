/** Digests of everything in an artifact that has none yet; with a key, the files are encrypted in place. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { ManifestFile } from '@dynamo-snapshot/api/manifest';
import { DIGEST_CHUNK_BYTES } from '@dynamo-snapshot/api/manifest';
import type { Pool } from '../memory/pool';
import { ChunkTable } from '../memory/table';
import { listFiles } from './directory';
import { isShard } from './faults';

export async function digestFiles(
  dir: string,
  key: Uint8Array | undefined,
  pool: Pool,
): Promise<readonly ManifestFile[]> {
  const paths = listFiles(dir)
    .filter((path) => !isShard(path))
    .sort();
  const sizes = paths.map((path) => statSync(join(dir, path)).size);
  const parts = sizes.flatMap((size, file) =>
    Array.from({ length: Math.ceil(size / DIGEST_CHUNK_BYTES) }, (_, i) => {
      const offset = i * DIGEST_CHUNK_BYTES;
      return { file, offset, length: Math.min(DIGEST_CHUNK_BYTES, size - offset) };
    }),
  );
  const chunks = parts.map(({ length }) => ({ pid: 0, extents: [], bytes: length, startsEmpty: false }));
  const table = ChunkTable.of(chunks, () => 0);
  parts.forEach(({ file, offset, length }, row) => table.placeInFile(row, file, offset, length));
  const files = paths.map((path) => join(dir, path));
  await pool.run(() => ({ do: 'seal', table: table.memory, files, ...(key === undefined ? {} : { key }) }));
  return paths.map((path, file) => {
    const rows = parts.flatMap((part, row) => (part.file === file ? [row] : []));
    return {
      path,
      sizeBytes: sizes[file] ?? 0,
      digests: rows.map((row) => table.digest(row).toString('hex')),
      ...(key === undefined ? {} : { tags: rows.map((row) => table.tag(row).toString('base64')) }),
    };
  });
}
