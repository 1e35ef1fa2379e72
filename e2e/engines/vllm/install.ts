/** vLLM on the nodes: a small image, and a folder of the cache with its packages and a model, both keyed by what went in. */
import { basename } from 'node:path';
import type { ImageBuild, Say } from '../../../scripts/images';
import { buildImage, contentHash, filledFolder, fillFolder } from '../../../scripts/images';
import { VLLM_IMAGE, VLLM_PATH } from './server';

const image: ImageBuild = {
  dockerfile: 'e2e/engines/vllm/Dockerfile',
  context: 'e2e/engines/vllm',
  name: VLLM_IMAGE,
};

const keyOf = (content: string): string => `vllm-${content}`;

export interface Engine {
  /** Of the image. */
  readonly archive: string;
  /** On this machine, which the nodes of the cluster are a part of. */
  readonly folder: string;
}

export async function installVllm(say: Say): Promise<Engine> {
  const archive = await buildImage(image, say);
  const key = keyOf(basename(archive, '.tar'));
  const argv = ['/opt/engine/install.sh', VLLM_PATH];
  return { archive, folder: await fillFolder({ archive, key, path: VLLM_PATH, argv }, say) };
}

/** Whether nothing has to be downloaded. */
export const isVllmInstalled = (): boolean => filledFolder(keyOf(contentHash(image))) !== undefined;
