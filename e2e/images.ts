/** The images that the scenarios run: ours from their Dockerfiles, and the worker's. */
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { buildImage, buildProductImages } from '../scripts/images';
import { WORKER_IMAGE } from './workload';
import type { Say } from './stage';

export interface Images {
  /** Archives that containerd imports. */
  readonly archives: readonly string[];
  /** Changes when an image does. */
  readonly version: string;
}

export async function buildImages(say: Say): Promise<Images> {
  const product = await buildProductImages(say);
  const worker = await buildImage(
    { dockerfile: 'e2e/worker/Dockerfile', context: 'e2e/worker', name: WORKER_IMAGE },
    say,
  );
  const archives = [...product, worker];
  const hash = createHash('sha256');
  for (const archive of product) hash.update(readFileSync(archive));
  return { archives, version: hash.digest('hex').slice(0, 12) };
}
