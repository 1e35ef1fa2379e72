/** One byte of an artifact's images is another one, as after a fault of a disk. */
import { closeSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKPOINT } from '@dynamo-snapshot/api/names';
import type { CheckpointObject } from '../world';
import type { Lab } from './lab';

/** Returns what puts the byte back. */
export async function tamper({ kube, cluster }: Lab, checkpoint: string): Promise<() => void> {
  const { status } = await kube.get<CheckpointObject>(CHECKPOINT.singular, checkpoint);
  const images = join(cluster.sharedDir, status?.location ?? '', 'criu');
  const name = readdirSync(images).find((file) => file.startsWith('core-')) ?? '';
  const file = join(images, name);
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
