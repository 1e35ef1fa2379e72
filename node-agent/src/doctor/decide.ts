/** What is wrong with a node, in words, and what to do about it; pure. */
import type { Check } from '@dynamo-snapshot/api/doctor';
import { checks } from '@dynamo-snapshot/api/doctor';
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import type { Mount } from '../linux/mountinfo';

export interface JournalFacts {
  readonly uid: string;
  readonly assignment: string;
  /** Whether the process that does it lives. */
  readonly alive: boolean;
  readonly hasResult: boolean;
  /** It does not say what was asked. */
  readonly unreadable?: boolean;
  /** Since it was last written. */
  readonly ageSeconds: number;
}

export interface DiskFacts {
  readonly path: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly writable: boolean;
}

/** What `observe` has seen; undefined = it could not be looked at, with the reason where there is one. */
export interface NodeFacts {
  readonly socket: string;
  /** Why the runtime did not answer; undefined where it did. */
  readonly socketFault: string | undefined;
  readonly runtime: string | undefined;
  readonly criu: { readonly version: string | undefined; readonly faults: readonly string[] };
  /** Options of the kernel that are set, without CONFIG_. */
  readonly kernel: { readonly release: string; readonly options: ReadonlySet<string> | undefined };
  /** Of the agent's own mount namespace. */
  readonly mounts: readonly Mount[];
  readonly seccomp: { readonly folder: string; readonly profile: string; readonly exists: boolean };
  readonly disks: readonly DiskFacts[];
  readonly journal: readonly JournalFacts[];
}

/** criu.org/Linux_kernel: without these a dump or a restore fails at some point. */
export const NEEDED_OPTIONS = [
  'CHECKPOINT_RESTORE',
  'NAMESPACES',
  'PID_NS',
  'FHANDLE',
  'EVENTFD',
  'EPOLL',
  'UNIX_DIAG',
  'INET_DIAG',
  'INET_UDP_DIAG',
  'PACKET_DIAG',
  'NETLINK_DIAG',
  'OVERLAY_FS',
] as const;

/** `criu check --feature`: what our dumps and restores use beyond the basic set. */
export const NEEDED_FEATURES = ['overlayfs_maps', 'tcp_half_closed', 'clone3_set_tid'] as const;

const LEAST_FREE_BYTES = 1 << 30;
const LEAST_FREE_SHARE = 0.05;
/** An agent that lives finishes or takes back what died long before this. */
const ABANDONED_SECONDS = 120;
const FORGOTTEN_SECONDS = 3600;

const ok = (check: Check['check'], message: string): Check => ({ check, result: 'ok', message });
const problem = (check: Check['check'], message: string, remedy: string): Check => ({
  check,
  result: 'problem',
  message,
  remedy,
});
const unknown = (check: Check['check'], message: string): Check => ({ check, result: 'unknown', message });

export const decide = (facts: NodeFacts): readonly Check[] => [
  runtimeSocket(facts),
  criuFeatures(facts),
  kernelOptions(facts),
  seccompProfile(facts),
  ...facts.disks.map(diskSpace),
  journal(facts),
];

function runtimeSocket({ socket, socketFault, runtime }: NodeFacts): Check {
  if (socketFault === undefined)
    return ok(checks.runtimeSocket, `${runtime ?? 'the runtime'} answers at ${socket}`);
  return problem(
    checks.runtimeSocket,
    `the container runtime does not answer at ${socket}: ${socketFault}`,
    'start containerd on this node; where its socket lies elsewhere, set runtime.socketPath of the chart',
  );
}

function criuFeatures({ criu }: NodeFacts): Check {
  if (criu.faults.length === 0)
    return ok(checks.criuFeatures, `CRIU ${criu.version ?? ''} has what is needed`);
  return problem(
    checks.criuFeatures,
    criu.faults.join('; '),
    'CRIU asks the kernel for this: run the node with a newer kernel, and the agent with the image of this release and all the privileges that the chart gives it',
  );
}

function kernelOptions({ kernel: { release, options } }: NodeFacts): Check {
  if (options === undefined)
    return unknown(
      checks.kernelOptions,
      `Linux ${release} does not show its configuration (/proc/config.gz); CRIU's own check has to do`,
    );
  const missing = NEEDED_OPTIONS.filter((option) => !options.has(option)).map((option) => `CONFIG_${option}`);
  if (missing.length === 0)
    return ok(checks.kernelOptions, `Linux ${release} has the options that CRIU needs`);
  return problem(
    checks.kernelOptions,
    `Linux ${release} is built without ${missing.join(', ')}`,
    'boot this node with a kernel that has them (those of Debian, Ubuntu and RHEL do), or keep workers that are captured away from it',
  );
}

/**
 * The kubelet looks for profiles below its own root, wherever that is. A volume of this pod lies there too, so both mounts must have
 * come from the same place.
 */
function seccompProfile({ seccomp, mounts }: NodeFacts): Check {
  const { folder, profile, exists } = seccomp;
  const given = mounts.find((m) => m.mountPoint === folder);
  if (given === undefined)
    return unknown(checks.seccompProfile, 'the chart puts no profile on this node (seccomp.deploy)');
  const kubelet = kubeletRoot(mounts);
  if (kubelet !== undefined && (given.root !== `${kubelet.root}/seccomp` || given.source !== kubelet.source))
    return problem(
      checks.seccompProfile,
      `the profile is put into ${given.root}, and the kubelet's folder is ${kubelet.root}/seccomp`,
      "set kubelet.root of the chart to the kubelet's --root-dir",
    );
  if (!exists)
    return problem(
      checks.seccompProfile,
      `${profile} is not in the kubelet's seccomp folder: pods that name it do not start`,
      'delete the agent pod of this node; its init container puts the profile back',
    );
  return ok(checks.seccompProfile, `${profile} is where the kubelet looks for it`);
}

/** From where it lies on its file system: <kubelet root>/pods/<uid>/volumes/… */
function kubeletRoot(
  mounts: readonly Mount[],
): { readonly root: string; readonly source: string } | undefined {
  for (const { root, source } of mounts) {
    const found = /^(.*)\/pods\/[0-9a-f-]{36}\/(?:volumes\/|etc-hosts$)/.exec(root)?.[1];
    if (found !== undefined) return { root: found, source };
  }
  return undefined;
}

function diskSpace({ path, freeBytes, totalBytes, writable }: DiskFacts): Check {
  const words = `${path} has ${humanBytes(freeBytes)} of ${humanBytes(totalBytes)} free`;
  if (!writable)
    return problem(
      checks.diskSpace,
      `${path} cannot be written`,
      'look at the volume and at the mount options of this node',
    );
  if (freeBytes >= LEAST_FREE_BYTES && freeBytes >= totalBytes * LEAST_FREE_SHARE)
    return ok(checks.diskSpace, words);
  return problem(
    checks.diskSpace,
    words,
    'delete checkpoints that nobody restores from (kubectl snapshot ls), or make the volume larger; a capture needs the memory of its worker and a tenth',
  );
}

function journal({ journal: entries }: NodeFacts): Check {
  const unreadable = entries.filter((e) => e.unreadable === true);
  if (unreadable.length > 0)
    return problem(
      checks.journal,
      `the journal has entries that cannot be read: ${unreadable.map((e) => e.uid).join(', ')}`,
      'an agent takes back what they have done and then keeps them as unreadable-*: look whether the disk of this node is sound, and remove them',
    );
  const stale = entries.filter(
    (e) =>
      (!e.alive && !e.hasResult && e.ageSeconds > ABANDONED_SECONDS) ||
      (e.hasResult && e.ageSeconds > FORGOTTEN_SECONDS),
  );
  if (stale.length === 0)
    return ok(checks.journal, `${entries.length} operations in the journal, none of them left alone`);
  const each = stale.map(
    (e) => `${e.assignment} (${e.uid}, ${e.hasResult ? 'done but never told' : 'its process is gone'})`,
  );
  return problem(
    checks.journal,
    `the journal has operations that nobody works on: ${each.join(', ')}`,
    'restart the agent of this node: it takes back what was left; if they stay, its log says why (kubectl logs)',
  );
}
