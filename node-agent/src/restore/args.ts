/** The command line of nsrestore; pure. */
import type { HostPid } from '../linux/ids';

export interface NsrestoreJob {
  readonly nsrestore: string;
  readonly placeholder: HostPid;
  readonly joined: readonly ('uts' | 'ipc')[];
  readonly artifactDir: string;
  readonly digest: string;
  /** CRIU's images, as they are for this clone. */
  readonly images: string;
  readonly root: string;
  readonly work: string;
  readonly criu: string;
  readonly cgroupProcs: readonly string[];
  readonly oomScoreAdj: string;
  readonly deadlineSeconds: number;
  /** A gate's file is handed over. */
  readonly hasGate: boolean;
}

/** Descriptors that the child inherits, in this order. */
export const fd = { net: 3, stdin: 4, stdout: 5, stderr: 6, gate: 7 } as const;

/**
 * The mount namespace is the engine's private one, so nsenter leaves it; the network comes to CRIU as a descriptor. The cgroup namespace
 * is joined later, by CRIU, so that the restored worker sees its cgroups as the placeholder does: who is in it already may not be moved
 * into its groups from outside (cgroup(7), nsdelegate, which systemd sets). By its path: the sh of the image is busybox, which has a smaller
 * nsenter of its own that it prefers.
 */
export const nsrestoreArgs = (job: NsrestoreJob): readonly string[] => [
  '/usr/bin/nsenter',
  ...['--uts', '--ipc', '--pid'].map((option) => `${option}=/proc/${job.placeholder}/ns/${option.slice(2)}`),
  '--',
  job.nsrestore,
  ...[
    '--artifact',
    job.artifactDir,
    '--digest',
    job.digest,
    '--images',
    job.images,
    '--root',
    job.root,
    '--work',
    job.work,
    '--criu',
    job.criu,
  ],
  ...job.cgroupProcs.flatMap((file) => ['--cgroup-procs', file]),
  // The /proc that nsrestore mounts is of the placeholder's pid namespace.
  ...['--cgroup-ns', '/proc/1/ns/cgroup'],
  ...['--net-fd', String(fd.net), '--stdin-fd', String(fd.stdin), '--stdout-fd', String(fd.stdout)],
  ...['--stderr-fd', String(fd.stderr), '--oom-score-adj', job.oomScoreAdj],
  ...['--deadline-seconds', String(job.deadlineSeconds)],
  ...(job.hasGate ? ['--gate-fd', String(fd.gate)] : []),
];
