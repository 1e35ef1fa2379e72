import { writeFileSync } from 'node:fs';
import { prepare } from './stage';
import { clusterName, worldFile } from './world';

/** Jest loads this by its default export; elsewhere nothing has one. */
module.exports = async function setup(): Promise<void> {
  const started = Date.now();
  const say = (line: string) =>
    console.error(`[${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s] ${line}`);
  const { world } = await prepare(clusterName, say);
  writeFileSync(worldFile, JSON.stringify(world));
};
