/** Models of random weights, which model.py makes on the machine: nothing of them has to travel. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Place } from '../place';

export interface Model {
  readonly shape: '8b' | '0.6b' | 'tiny';
  readonly kvBytes: number;
}

/** In memory, as the images are: no path waits for a disk. */
export const folderOf = (images: string, { shape }: Model): string => join(images, `model-${shape}`);

const MAKES_WITHIN_MS = 150_000;

/** What it took; nothing is made twice. */
export function makeModel(place: Place, model: Model): string {
  const folder = folderOf(place.images, model);
  if (existsSync(folder)) return 'is there';
  rmSync(`${folder}.part`, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  const { status, stdout, stderr } = spawnSync(
    'python3',
    [join(place.home, 'model.py'), model.shape, folder],
    {
      encoding: 'utf8',
      timeout: MAKES_WITHIN_MS,
    },
  );
  if (status !== 0) throw new Error(`model.py ${model.shape}: exit ${status}: ${stderr.trim().slice(-1000)}`);
  return stdout.trim();
}
