// Bundles our programs into dist/ (one CommonJS file each); nsrestore and kubectl-snapshot become executables too.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { validators } from './validators.mjs';

const all = {
  operator: 'operator/src/main.ts',
  crds: 'operator/src/crds/main.ts',
  check: 'operator/src/check/main.ts',
  'node-agent': 'node-agent/src/main.ts',
  engine: 'node-agent/src/engine-main.ts',
  'memory-worker': 'node-agent/src/memory/worker.ts',
  nsrestore: 'nsrestore/src/main.ts',
  bench: 'bench/cpu/main.ts',
  'kubectl-snapshot': 'kubectl-snapshot/src/main.ts',
};
// `build.mjs operator` makes that one only; without a name, all.
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in all));
if (unknown.length > 0) throw new Error(`no program is named ${unknown.join(', ')}`);
const programs = Object.fromEntries(
  Object.entries(all).filter(([name]) => (wanted.length === 0 ? name !== 'bench' : wanted.includes(name))),
);

mkdirSync('dist', { recursive: true });
await build({
  entryPoints: Object.entries(programs).map(([out, input]) => ({ in: input, out })),
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  // Native code stays a file beside the bundle.
  external: ['koffi', '@napi-rs/blake-hash'],
  plugins: [validators],
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: 'warning',
});

for (const name of ['nsrestore', 'kubectl-snapshot']) if (name in programs) makeExecutable(name);

/** Node with the bundle in it (Node's single executable application): dist/<name>. */
function makeExecutable(name) {
  const file = `dist/${name}`;
  const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
  writeFileSync(
    `dist/${name}.sea.json`,
    JSON.stringify({
      main: `${file}.cjs`,
      output: `${file}.blob`,
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
    }),
  );
  execFileSync(process.execPath, ['--experimental-sea-config', `dist/${name}.sea.json`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  copyFileSync(process.execPath, file);
  chmodSync(file, 0o755);
  execFileSync('strip', [file]);
  const postject = 'node_modules/postject/dist/cli.js';
  execFileSync(process.execPath, [postject, file, 'NODE_SEA_BLOB', `${file}.blob`, '--sentinel-fuse', fuse], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
