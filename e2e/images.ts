/** The images that the scenarios run: ours from their Dockerfiles, and the worker's. */
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { buildImage, buildProductImages } from '../scripts/images';
import { OTHER_WORKER_IMAGE, SCRATCH_IMAGE, WORKER_IMAGE } from './workload';
import type { Say } from './stage';

export interface Images {
  /** Archives that containerd imports. */
  readonly archives: readonly string[];
  /** Changes when an image does. */
  readonly version: string;
}

export async function buildImages(say: Say): Promise<Images> {
  const product = await buildProductImages(say);
  const worker = { dockerfile: 'e2e/worker/Dockerfile', context: 'e2e/worker' };
  const scratch = { dockerfile: 'e2e/scratch/Dockerfile', context: 'e2e/scratch', name: SCRATCH_IMAGE };
  const archives = [
    ...product,
    await buildImage({ ...worker, name: WORKER_IMAGE }, say),
    await buildImage({ ...worker, name: OTHER_WORKER_IMAGE, label: 'other=true' }, say),
    await buildImage(scratch, say),
  ];
  const hash = createHash('sha256');
  for (const archive of product) hash.update(readFileSync(archive));
  // Never only digits: helm would take it for a number.
  return { archives, version: `sha256-${hash.digest('hex').slice(0, 12)}` };
}
