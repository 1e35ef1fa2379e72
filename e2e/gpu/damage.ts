/** A changed byte of bulk memory, as a broken disk or a stranger would leave it. */
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { artifactFile, shardFile } from '@dynamo-snapshot/api/layout';
import type { PagesIndex } from '@dynamo-snapshot/api/pages';
import type { DriverArea } from '@dynamo-snapshot/node-agent/gate/plan';

const SHARD = basename(shardFile(0)).replace(/\d+$/, '');

export const shardsOf = (artifact: string): readonly string[] =>
  readdirSync(join(artifact, artifactFile.pages))
    .filter((name) => name.startsWith(SHARD))
    .map((name) => join(artifact, artifactFile.pages, name))
    .filter((file) => statSync(file).size > 0);

/** Where in the artifact a chunk begins that is not any more what was captured. */
export interface Damage {
  readonly shard: string;
  readonly offset: number;
}

/**
 * In the middle of the largest of the areas: further in than the fill goes as long as nobody reads. So it is found when a driver that begins at the
 * end of the area already waits there.
 */
export function damageMemory(artifact: string, areas: readonly DriverArea[]): Damage {
  const { shards, chunks } = JSON.parse(
    readFileSync(join(artifact, artifactFile.pagesIndex), 'utf8'),
  ) as PagesIndex;
  const [area] = [...areas].sort((a, b) => b.end - b.start - (a.end - a.start));
  const within = chunks
    .filter(
      ({ pid, extents: [address = 0] }) => area?.pid === pid && area.start <= address && address < area.end,
    )
    .sort((a, b) => (a.extents[0] ?? 0) - (b.extents[0] ?? 0));
  const chunk = within[Math.floor(within.length / 2)];
  const shard = chunk === undefined ? undefined : shards[chunk.shard]?.path;
  if (chunk === undefined || shard === undefined) throw new Error(`${artifact} has no memory of a driver`);
  changeByte(join(artifact, shard), chunk.offset);
  return { shard, offset: chunk.offset };
}

function changeByte(file: string, at: number): void {
  const fd = openSync(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, at);
    writeSync(fd, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  } finally {
    closeSync(fd);
  }
}
