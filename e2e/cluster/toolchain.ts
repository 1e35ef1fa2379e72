import { createHash } from 'node:crypto';
import { access, copyFile, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { during } from '@dynamo-snapshot/api/errors';
import { cacheRoot } from './instance';
import type { Progress } from './progress';
import { run, succeeds } from './run';
import type { Argv } from './run';

export const KUBERNETES_VERSION = 'v1.34.4';
const STAGING_VERSION = KUBERNETES_VERSION.replace(/^v1\./, 'v0.');
export const HELM_VERSION = 'v3.19.2';
const CHECKPOINTCTL_VERSION = 'v1.4.0';
const SOURCES = join(__dirname, 'kubernetes');
const BUILD_LIMIT_MS = 45 * 60_000;

/** Programs that do not come from Debian, by absolute path. */
export interface Toolchain {
  readonly hyperkube: string;
  readonly kubectl: string;
  readonly pause: string;
  readonly helm: string;
}

/** The go.mod of the one-program build. Kubernetes' own go.mod replaces its staging modules by folders; outside they need versions. */
export function goMod(kubernetesGoMod: string): string {
  const staging = [...kubernetesGoMod.matchAll(/^\s*(k8s\.io\/[a-z-]+) => \.\/staging/gm)].map(
    (match) => match[1] ?? '',
  );
  const replaced = staging.map((module) => `\t${module} => ${module} ${STAGING_VERSION}`);
  return [
    'module dynamo-snapshot.invalid/kubernetes',
    'go 1.24.0',
    `require k8s.io/kubernetes ${KUBERNETES_VERSION}`,
    `replace (\n${replaced.join('\n')}\n)`,
    '',
  ].join('\n\n');
}

/** `-ldflags`: without a version the API server announces none and clients refuse it. */
export function linkerFlags(version: string): string {
  const [major, minor] = version.replace(/^v/, '').split('.');
  const set = (name: string, value: string | undefined): string =>
    `-X k8s.io/component-base/version.${name}=${value ?? ''}`;
  return ['-s', '-w', set('gitVersion', version), set('gitMajor', major), set('gitMinor', minor)].join(' ');
}

const present = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Builds what the cache does not hold yet: minutes the first time, nothing afterwards. */
export async function ensureToolchain(progress: Progress): Promise<Toolchain> {
  const commands = await readFile(join(SOURCES, 'commands', 'main.go'));
  const pause = await readFile(join(SOURCES, 'pause', 'main.go'));
  const key = createHash('sha256').update(commands).update(pause).digest('hex').slice(0, 12);
  const kubernetes = join(cacheRoot(), `kubernetes-${KUBERNETES_VERSION}`, key);
  if (!(await present(join(kubernetes, 'hyperkube')))) {
    progress(
      `building Kubernetes ${KUBERNETES_VERSION} into ${kubernetes} (some 7 minutes on 2 cores, once)`,
    );
    await buildInto(kubernetes, buildKubernetes);
  }
  const program = (name: string): string => join(kubernetes, name);
  return {
    hyperkube: program('hyperkube'),
    kubectl: program('kubectl'),
    pause: program('pause'),
    helm: await ensureHelm(progress),
  };
}

/** Path of helm; built if the cache does not hold it yet. */
export async function ensureHelm(progress: Progress): Promise<string> {
  const folder = join(cacheRoot(), `helm-${HELM_VERSION}`);
  if (!(await present(join(folder, 'helm')))) {
    progress(`building helm ${HELM_VERSION} into ${folder} (some 2 minutes, once)`);
    await buildInto(folder, buildHelm);
  }
  return join(folder, 'helm');
}

/** Path of checkpointctl, which reads what our plugin exports; built if the cache does not hold it yet. */
export async function ensureCheckpointctl(progress: Progress): Promise<string> {
  const folder = join(cacheRoot(), `checkpointctl-${CHECKPOINTCTL_VERSION}`);
  if (!(await present(join(folder, 'checkpointctl')))) {
    progress(`building checkpointctl ${CHECKPOINTCTL_VERSION} into ${folder} (a minute, once)`);
    const program = `github.com/checkpoint-restore/checkpointctl@${CHECKPOINTCTL_VERSION}`;
    const tags = 'containers_image_openpgp,exclude_graphdriver_btrfs,exclude_graphdriver_devicemapper';
    await buildInto(folder, async (part) => {
      await go(part, ['install', '-trimpath', '-tags', tags, program], { GOBIN: part });
    });
  }
  return join(folder, 'checkpointctl');
}

/** Builds into a folder beside the target and renames it, so that a half-built one is never taken for built. */
async function buildInto(target: string, build: (folder: string) => Promise<void>): Promise<void> {
  if (!(await succeeds({ argv: ['go', 'version'] })))
    throw new Error('`go` (1.24 or newer) must be on PATH to build Kubernetes, helm and checkpointctl');
  await mkdir(join(target, '..'), { recursive: true });
  const folder = await mkdtemp(`${target}.building-`);
  try {
    await during(`build ${target}`, () => build(folder));
    await rename(folder, target).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error; // somebody else was first: theirs is the same
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One build at a time on this machine: a second one waits, then finds Go's build cache full. */
const go = async (
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const argv: Argv = ['flock', join(cacheRoot(), 'go.lock'), 'go', ...args];
  return run({
    argv,
    cwd,
    env: { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', ...env },
    limitMs: BUILD_LIMIT_MS,
  });
};

async function buildKubernetes(folder: string): Promise<void> {
  const module = join(folder, 'source');
  await mkdir(join(module, 'commands'), { recursive: true });
  await copyFile(join(SOURCES, 'commands', 'main.go'), join(module, 'commands', 'main.go'));
  const download = await go(module, ['mod', 'download', '-json', `k8s.io/kubernetes@${KUBERNETES_VERSION}`]);
  const { GoMod } = JSON.parse(download) as { readonly GoMod: string };
  await writeFile(join(module, 'go.mod'), goMod(await readFile(GoMod, 'utf8')));
  await go(module, ['mod', 'tidy']);
  const flags = linkerFlags(KUBERNETES_VERSION);
  await go(module, ['build', '-trimpath', '-ldflags', flags, '-o', join(folder, 'hyperkube'), './commands']);
  await go(join(SOURCES, 'pause'), [
    'build',
    '-trimpath',
    '-ldflags',
    '-s -w',
    '-o',
    join(folder, 'pause'),
    'main.go',
  ]);
  await symlink('hyperkube', join(folder, 'kubectl'));
  await rm(module, { recursive: true });
}

async function buildHelm(folder: string): Promise<void> {
  await go(
    folder,
    ['install', '-trimpath', '-ldflags', '-s -w', `helm.sh/helm/v3/cmd/helm@${HELM_VERSION}`],
    { GOBIN: folder },
  );
}
