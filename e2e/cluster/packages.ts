import { run, succeeds } from './run';
import type { Progress } from './progress';

/** Debian packages that the nodes and the image build need. */
export const PACKAGES: readonly string[] = [
  'buildah',
  'busybox-static',
  'conntrack',
  'containerd',
  'containernetworking-plugins',
  'ebtables',
  'etcd-server',
  'ethtool',
  'iproute2',
  'iptables',
  'mmdebstrap',
  'musl-tools',
  'openssl',
  'procps',
  'runc',
  'skopeo',
  'socat',
  'util-linux',
];

/** The wanted packages that `dpkg-query -W -f='${Package} ${db:Status-Status}\n'` does not show as installed. */
export function missingPackages(wanted: readonly string[], dpkgOutput: string): readonly string[] {
  const installed = new Set(
    dpkgOutput
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return wanted.filter((name) => !installed.has(name));
}

/** Installs what is missing. Needs root on Debian (or a child of it). */
export async function ensurePackages(progress: Progress): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error('the cluster needs root: it makes namespaces, mounts, cgroups and network links');
  if (!(await succeeds({ argv: ['dpkg-query', '--version'] }))) {
    throw new Error(
      `this is no Debian machine: install by hand what these packages hold: ${PACKAGES.join(' ')}`,
    );
  }
  const listed = await run({ argv: ['dpkg-query', '-W', '-f=${Package} ${db:Status-Status}\n'] });
  const missing = missingPackages(PACKAGES, listed);
  if (missing.length === 0) return;
  progress(`installing Debian packages: ${missing.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run({ argv: ['apt-get', '-qq', 'update'], env, limitMs: 300_000 });
  await run({
    argv: ['apt-get', '-qq', '-y', '--no-install-recommends', 'install', ...missing],
    env,
    limitMs: 900_000,
  });
}
