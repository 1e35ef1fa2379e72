/**
 * `npm run demo`: the main job on a real cluster. A worker starts the slow way, is captured while it serves, and goes on in a
 * new pod on the other node; then three clones at once. `--engine vllm` does it with a real vLLM. `--report FILE` writes the figures as
 * JSON; `--down` takes the cluster away.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { down } from '../cluster/cluster';
import { prepare } from '../stage';
import { installVllm } from '../engines/vllm/install';
import { show } from './show';
import { rows, table } from './table';
import { showVllm, vllmRows } from './vllm';

const { values } = parseArgs({
  options: { report: { type: 'string' }, down: { type: 'boolean' }, engine: { type: 'string' } },
});
const started = Date.now();
const say = (line: string) =>
  console.log(`[${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s] ${line}`);

async function main(): Promise<void> {
  if (values.down) return down('demo', say);
  const { world, report, text } = await demo(values.engine);
  if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(report, undefined, 2)}\n`);
  console.log(`\n${text}\n`);
  console.log('Look further:');
  console.log(`  export KUBECONFIG=${world.kubeconfig}`);
  console.log(`  kubectl --namespace ${world.namespace} get checkpoints,snapshotassignments,pods -o wide`);
  console.log('  npm run demo -- --down      takes the cluster away');
}

async function demo(engine: string | undefined) {
  if (engine === undefined) {
    const { kube, world } = await prepare('demo', say);
    const report = await show(kube, world, say);
    return { kube, world, report, text: table(rows(report)) };
  }
  if (engine !== 'vllm')
    throw new Error(`--engine ${engine}: only vllm can be shown on a machine without GPU`);
  const { archive, folder } = await installVllm(say);
  const { cluster, kube, world } = await prepare('demo', say);
  await cluster.loadImages([archive]);
  const report = await showVllm(kube, world, folder, say);
  if (!report.sameCompletions) process.exitCode = 1;
  return { kube, world, report, text: table(vllmRows(report)) };
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
