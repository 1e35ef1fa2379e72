/** One byte of an artifact's file is another one, as after a fault of a disk. */
import { closeSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CHECKPOINT } from '@dynamo-snapshot/api/names';
import type { CheckpointObject } from '../world';
import type { Lab } from './lab';

/** Of the first file with this beginning that is not empty. Returns what puts the byte back. */
export async function tamper(
  { kube, cluster }: Pick<Lab, 'kube' | 'cluster'>,
  checkpoint: string,
  beginning: string,
): Promise<() => void> {
  const { status } = await kube.get<CheckpointObject>(CHECKPOINT.singular, checkpoint);
  if (!status?.location) throw new Error(`checkpoint ${checkpoint} has no artifact`);
  const start = join(cluster.sharedDir, status.location, beginning);
  const files = readdirSync(dirname(start)).map((name) => join(dirname(start), name));
  const file = files.find((path) => path.startsWith(start) && statSync(path).size > 0);
  if (file === undefined) throw new Error(`the artifact has no file ${beginning}…`);
  const at = Math.floor(statSync(file).size / 2);
  flip(file, at);
  return () => flip(file, at);
}

function flip(file: string, at: number): void {
  const fd = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, at);
  writeSync(fd, Buffer.from([(byte[0] ?? 0) ^ 0xff]), 0, 1, at);
  closeSync(fd);
}
