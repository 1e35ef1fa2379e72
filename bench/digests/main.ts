/**
 * `npm run bench:digests`: what the digests cost. The engine as it is and the same engine without a hash take turns on one tree, in one
 * run. Options as of `npm run bench`: --mib N, --rounds N, --dir DIR, --json FILE. On two processors: `taskset -c 0,1 npm run …`.
 * --cold: nothing of the artifact is in the page cache when it is restored, as on a node that has not had it yet.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { humanBytes, humanSeconds } from '@dynamo-snapshot/api/quantity';
import { build } from 'esbuild';
import { ensureCriu } from '../cpu/criu';
import type { Ours } from '../cpu/ours';
import type { Round } from '../cpu/rounds';
import { alternate, median } from '../cpu/rounds';
import type { Side } from '../cpu/side';
import { Tree } from '../cpu/tree';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: { mib: text, rounds: text, dir: text, json: text, cold: { type: 'boolean' } },
});
const mib = Number(values.mib ?? 4096);
const count = Number(values.rounds ?? 3);

/** Within the checkout, so that native modules are found. */
const OUT = resolve('dist/bench-digests');
const HASH = '@napi-rs/blake-hash';

type Variant = 'with digests' | 'without';

/** The engine's own parts and their worker, bundled. The process does not know which hash its worker threads have. */
async function engine(variant: Variant): Promise<typeof Ours> {
  const outdir = join(OUT, variant.replace(' ', '-'));
  await build({
    entryPoints: { ours: 'bench/cpu/ours.ts', 'memory-worker': 'node-agent/src/memory/worker.ts' },
    ...{ outdir, outExtension: { '.js': '.cjs' }, bundle: true, platform: 'node', format: 'cjs' },
    ...(variant === 'without' ? { alias: { [HASH]: resolve('bench/digests/none.ts') } } : {}),
    external: ['koffi', HASH],
    logLevel: 'warning',
  });
  return ((await import(join(outdir, 'ours.cjs'))) as { Ours: typeof Ours }).Ours;
}

async function main(): Promise<void> {
  const base = resolve(values.dir ?? '/var/tmp');
  mkdirSync(base, { recursive: true });
  const dir = mkdtempSync(join(base, 'dynamo-snapshot-bench-'));
  const shim = join(dir, 'rlimit-shim.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', shim, 'node-agent/native/rlimit-shim.c']);
  const tree = new Tree(dir, 'tree.c');
  try {
    const sides = await Promise.all([side('with digests', dir, shim), side('without', dir, shim)]);
    await tree.start(mib);
    report(await alternate(sides, tree, count));
  } finally {
    await tree.end();
    tree.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function side(name: Variant, dir: string, shim: string): Promise<Side> {
  const made = new (await engine(name))(dir, ensureCriu(), shim);
  return {
    name,
    capture: (root, freezer) => made.capture(root, freezer),
    restore: () => {
      if (values.cold === true) dropCache(join(dir, 'ours/artifact'));
      return made.restore();
    },
  };
}

/** Of what is on the disk already: posix_fadvise(2), POSIX_FADV_DONTNEED, as dd asks for it. */
function dropCache(dir: string): void {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { parentPath, name } of files)
    execFileSync('dd', [`if=${join(parentPath, name)}`, 'iflag=nocache', 'count=0', 'status=none']);
}

const figures = {
  'stood still': ({ captured }: Round) => captured.pausedSeconds,
  'capture, synced': ({ captured }: Round) => captured.seconds,
  restore: ({ restored }: Round) => restored.seconds,
} as const;

function report(rounds: ReadonlyMap<string, readonly Round[]>): void {
  const rows = Object.entries(figures).map(([what, of]) => {
    const [withDigests = 0, without = 0] = [...rounds.values()].map((list) => median(list.map(of)));
    return { what, withDigests, without, costPercent: (withDigests / without - 1) * 100 };
  });
  const [load = 0] = loadavg();
  const machine = { processors: availableParallelism(), memory: humanBytes(totalmem()), kernel: release() };
  const from = values.cold === true ? 'from the disk' : 'from the page cache';
  console.log(
    `tree of ${mib} MiB, restored ${from}, ${count} rounds, medians; ${JSON.stringify({ ...machine, load })}`,
  );
  for (const { what, withDigests, without, costPercent } of rows)
    console.log(
      `${what.padEnd(18)}${humanSeconds(withDigests).padEnd(12)}without digests ${humanSeconds(without).padEnd(12)}they cost ${costPercent.toFixed(1)} %`,
    );
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      JSON.stringify({ mib, machine, load, rows, rounds: [...rounds] }, undefined, 1),
    );
}

void main();
