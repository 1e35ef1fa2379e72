/** `npm run faults -- [--count N] [--seed S] [--minutes M] [--name CLUSTER] [--only WORDS] [--report FILE] [--keep]`: see README.md. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { down } from '../cluster/cluster';
import { CHECKPOINT } from '@dynamo-snapshot/api/names';
import type { Kube } from '../kube';
import { prepare } from '../stage';
import { rules } from './faults';
import type { Lab } from './lab';
import { mountsBefore } from './leftovers';
import { FaultNode } from './node';
import type { Case } from './plan';
import { planOf, possible, stepOf } from './plan';
import { Reader } from './reader';
import { isUsed, mountStore, unmountStore } from './store';
import type { Counts } from './summary';
import { countsOf, isClean, summary } from './summary';
import { table, verdictOf } from './table';
import type { Outcome } from './trial';
import { Trials } from './trial';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    ...{ count: text, seed: text, minutes: text, name: text, only: text, report: text },
    keep: { type: 'boolean' },
  },
});
const name = values.name ?? 'faults';
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const count = Number(values.count ?? 32);
/** No case is begun after that. */
const lastBegin = Date.now() + Number(values.minutes ?? Infinity) * 60_000;

const started = Date.now();
const say = (line: string) =>
  console.error(`[${((Date.now() - started) / 1000).toFixed(1).padStart(7)} s] ${line}`);

/** With --only, every possible case whose name has all of the words; `|` stands between several such lists of words. */
function cases(): readonly Case[] {
  if (values.only === undefined) return planOf(rules, count, seed);
  const lists = values.only.split('|').map((words) => words.trim().split(/\s+/));
  const has = (name: string) => lists.some((words) => words.every((word) => name.includes(word)));
  return possible(rules).filter((c) => has(`${stepOf(c)} ${c.fault}`));
}

async function lab(): Promise<Lab> {
  if (!isUsed(name)) await down(name, say);
  await mountStore(name);
  const { cluster, kube, world } = await prepare(name, say);
  if (!isUsed(name)) throw new Error('the cluster was started anew on another store; run this again');
  const [a, b] = await Promise.all(world.nodes.map((node) => FaultNode.of(cluster, node)));
  if (a === undefined || b === undefined) throw new Error('two nodes are needed');
  await sweep(kube);
  const room = { cluster, kube, reader: new Reader(cluster.kubeconfig), nodes: [a, b] as const, say };
  return { ...room, before: [await mountsBefore(room, a), await mountsBefore(room, b)] };
}

/** What a run that was cut off has left. */
async function sweep(kube: Kube): Promise<void> {
  for (const kind of ['pod', CHECKPOINT.singular]) {
    const objects = await kube.list<{ metadata: { name: string } }>(kind);
    const ours = objects.map((o) => o.metadata.name).filter((n) => /^(fault|source|base)-\d+$/.test(n));
    await kube.delete(kind, ours);
  }
}

async function main(): Promise<void> {
  const plan = cases();
  const outcomes: Outcome[] = [];
  try {
    const trials = new Trials(await lab());
    say(`${plan.length} faults, seed ${seed}`);
    for (const [i, one] of plan.entries()) {
      if (Date.now() > lastBegin) break;
      const outcome = await trials.run(one);
      outcomes.push(outcome);
      const { end, seconds } = outcome;
      const verdict = verdictOf(outcome);
      say(`${i + 1}/${plan.length} ${stepOf(one)}: ${one.fault} -> ${end}: ${verdict} (${seconds} s)`);
      report(outcomes);
    }
  } finally {
    console.log(table(outcomes));
    if (values.keep !== true) await end();
  }
  const counts = report(outcomes);
  console.log(summary(counts));
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exitCode = isClean(counts) ? 0 : 1;
}

/** After every case: a run that is cut off has said what it has seen. */
function report(outcomes: readonly Outcome[]): Counts {
  const counts = countsOf(outcomes);
  if (values.report !== undefined)
    writeFileSync(values.report, JSON.stringify({ seed, ...counts, outcomes }, undefined, 2));
  return counts;
}

async function end(): Promise<void> {
  await down(name, say);
  await unmountStore(name);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
