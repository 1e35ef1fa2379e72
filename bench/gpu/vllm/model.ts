/** Models of random weights, which model.py makes on the machine: nothing of them has to travel. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Model {
  readonly shape: '8b' | '0.6b' | 'tiny';
  readonly kvBytes: number;
}

const GIB = 2 ** 30;

export const models = {
  '8b': { shape: '8b', kvBytes: 4 * GIB },
  '0.6b': { shape: '0.6b', kvBytes: 2 * GIB },
  // For a test without a GPU.
  tiny: { shape: 'tiny', kvBytes: GIB },
} as const satisfies Readonly<Record<Model['shape'], Model>>;

/** In memory, as the images are: no path waits for a disk. */
export const folderOf = (images: string, { shape }: Model): string => join(images, `model-${shape}`);

const MAKES_WITHIN_MS = 150_000;

/** What it took; nothing is made twice. `program` is where model.py lies. */
export function makeModel(program: string, folder: string, { shape }: Model): string {
  if (existsSync(folder)) return 'is there';
  rmSync(`${folder}.part`, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  const { status, stdout, stderr } = spawnSync('python3', [program, shape, folder], {
    encoding: 'utf8',
    timeout: MAKES_WITHIN_MS,
  });
  if (status !== 0)
    throw new Error(`model.py ${shape}: exit ${status}: ${String(stderr).trim().slice(-1000)}`);
  return stdout.trim();
}
