/** A changed byte of bulk memory, as a broken disk or a stranger would leave it. */
import { closeSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { artifactFile, shardFile } from '@dynamo-snapshot/api/layout';

const SHARD = basename(shardFile(0)).replace(/\d+$/, '');

export const shardsOf = (artifact: string): readonly string[] =>
  readdirSync(join(artifact, artifactFile.pages))
    .filter((name) => name.startsWith(SHARD))
    .map((name) => join(artifact, artifactFile.pages, name))
    .filter((file) => statSync(file).size > 0);

/** In the middle of the first one; returns its name. */
export function damageShard(artifact: string): string {
  const [file] = shardsOf(artifact);
  if (file === undefined) throw new Error(`${artifact} has no shards`);
  const fd = openSync(file, 'r+');
  try {
    const at = Math.floor(statSync(file).size / 2);
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, at);
    writeSync(fd, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  } finally {
    closeSync(fd);
  }
  return basename(file);
}
