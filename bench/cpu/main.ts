/**
 * `npm run bench`: the stand-still of a capture and the time of a restore, ours against CRIU by itself, alternating on the same tree, and
 * against `runc checkpoint` on the same program in a container, where there is runc.
 * Options: --mib N (size of the tree), --rounds N, --dir DIR (where images go), --json FILE.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { humanBytes, humanSeconds } from '@dynamo-snapshot/api/quantity';
import { ensureCriu } from './criu';
import { Ours } from './ours';
import type { Round } from './rounds';
import { alternate, median } from './rounds';
import { isRuncHere, RuncSide } from './runc';
import type { Side } from './side';
import { Stock } from './stock';
import { Tree } from './tree';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { mib: text, rounds: text, dir: text, json: text } });
const mib = Number(values.mib ?? 4096);
const count = Number(values.rounds ?? 3);

async function main(): Promise<void> {
  const base = resolve(values.dir ?? '/var/tmp');
  mkdirSync(base, { recursive: true });
  const dir = mkdtempSync(join(base, 'dynamo-snapshot-bench-'));
  const criu = ensureCriu();
  const shim = join(dir, 'rlimit-shim.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', shim, 'node-agent/native/rlimit-shim.c']);
  const tree = new Tree(dir, 'tree.c');
  const runc = isRuncHere() ? new RuncSide(dir, criu, shim) : undefined;
  try {
    const sides: Side[] = [new Stock(dir, criu, shim), new Ours(dir, criu, shim)];
    await tree.start(mib);
    if (runc !== undefined) {
      await runc.tree.start(mib);
      sides.push(runc);
    }
    report(await alternate(sides, tree, count));
  } finally {
    for (const each of [tree, ...(runc === undefined ? [] : [runc.tree])]) {
      await each.end();
      each.close();
    }
    rmSync(dir, { recursive: true, force: true });
  }
}

function report(rounds: ReadonlyMap<string, readonly Round[]>): void {
  const rows = [...rounds].map(([name, list]) => ({
    name,
    paused: median(list.map((r) => r.captured.pausedSeconds)),
    capture: median(list.map((r) => r.captured.seconds)),
    restore: median(list.map((r) => r.restored.seconds)),
  }));
  const [stock, ours, runc] = rows;
  if (stock === undefined || ours === undefined) return;
  const machine = { processors: cpus().length, memory: humanBytes(totalmem()), kernel: release() };
  const against = (other: typeof ours) => ({
    paused: ours.paused / other.paused,
    restore: other.restore / ours.restore,
  });
  const ratios = against(stock);
  const date = new Date().toISOString();
  const all = [...rounds].map(([name, list]) => ({ name, rounds: list }));
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      JSON.stringify({ date, mib, machine, medians: rows, ratios, all }, undefined, 1),
    );
  console.log(
    `tree of ${mib} MiB in 2 processes and a shared segment, ${count} rounds, medians; ${JSON.stringify(machine)}`,
  );
  console.log(['', 'stood still', 'capture, synced', 'restore'].map((h) => h.padEnd(18)).join(''));
  for (const { name, paused, capture, restore } of rows)
    console.log(
      [name, ...[paused, capture, restore].map(humanSeconds)].map((cell) => cell.padEnd(18)).join(''),
    );
  for (const other of [stock, ...(runc === undefined ? [] : [runc])]) {
    const { paused, restore } = against(other);
    console.log(
      `stand-still ${paused.toFixed(2)} of ${other.name}; restore ${restore.toFixed(2)} times as fast`,
    );
  }
}

void main();
