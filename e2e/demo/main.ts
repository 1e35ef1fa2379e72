/**
 * `npm run demo`: the main job on a real cluster. A worker starts the slow way, is captured while it serves, and goes on in a
 * new pod on the other node; then three clones at once. `--report FILE` writes the figures as JSON; `--down` takes the cluster away.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { down } from '../cluster/cluster';
import { prepare } from '../stage';
import { table } from './table';
import { show } from './show';

const { values } = parseArgs({ options: { report: { type: 'string' }, down: { type: 'boolean' } } });
const started = Date.now();
const say = (line: string) =>
  console.log(`[${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s] ${line}`);

async function main(): Promise<void> {
  if (values.down) return down('demo', say);
  const { kube, world } = await prepare('demo', say);
  const report = await show(kube, world, say);
  if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(report, undefined, 2)}\n`);
  console.log(`\n${table(report)}\n`);
  console.log('Look further:');
  console.log(`  export KUBECONFIG=${world.kubeconfig}`);
  console.log(`  kubectl --namespace ${world.namespace} get checkpoints,snapshotassignments,pods -o wide`);
  console.log('  npm run demo -- --down      takes the cluster away');
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
