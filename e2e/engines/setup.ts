import { writeFileSync } from 'node:fs';
import { prepare } from '../stage';
import { clusterName, worldFile } from '../world';
import { installVllm } from './vllm/install';

/** Jest loads this by its default export; elsewhere nothing has one. */
module.exports = async function setup(): Promise<void> {
  const started = Date.now();
  const say = (line: string) =>
    console.error(`[${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s] ${line}`);
  const { archive, folder } = await installVllm(say);
  const { cluster, world } = await prepare(clusterName, say);
  await cluster.loadImages([archive]);
  writeFileSync(worldFile, JSON.stringify({ ...world, engineFolder: folder }));
};
