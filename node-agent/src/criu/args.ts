/** CRIU's command line for a dump; pure. What each option is for, and what happens without it, is in docs/criu.md. */
import type { HostPid } from '../linux/ids';

export interface DumpJob {
  readonly criu: string;
  /** Root of the tree. */
  readonly pid: HostPid;
  readonly images: string;
  readonly freezer: string;
  readonly netInode: number;
  readonly externalMounts: readonly string[];
  /** Namespaces that CRIU shall see as its own, so that it neither dumps nor makes them. */
  readonly join: readonly ('uts' | 'ipc')[];
  /** Script that CRIU runs at each stage; ours acts at post-dump. */
  readonly actionScript: string;
  /** `<rdev>:<dev>` in hex, where fd 0 is a terminal. */
  readonly tty?: string;
}

/** Files that are open but unlinked are put into the dump up to this size (CRIU's default is 1 MiB). */
const GHOST_LIMIT_BYTES = 512 << 20;

export function dumpArgs(job: DumpJob): readonly string[] {
  const namespaces = job.join.map((ns) => `--${ns}=/proc/${job.pid}/ns/${ns}`);
  const mounts = job.externalMounts.flatMap((path) => ['--external', `mnt[${path}]:${path}`]);
  return [
    ...(namespaces.length > 0 ? ['nsenter', ...namespaces, '--'] : []),
    job.criu,
    'dump',
    '--no-default-config',
    ...['--tree', String(job.pid), '--images-dir', job.images, '--log-file', 'dump.log', '-v2'],
    ...['--freeze-cgroup', job.freezer, '--manage-cgroups=ignore', '--network-lock', 'skip'],
    ...['--external', `net[${job.netInode}]:extNetNs`, ...mounts],
    ...(job.tty === undefined ? [] : ['--external', `tty[${job.tty}]`]),
    ...['--tcp-established', '--skip-in-flight', '--file-locks', '--link-remap', '--force-irmap'],
    ...['--ghost-limit', String(GHOST_LIMIT_BYTES), '--action-script', job.actionScript, '--leave-running'],
  ];
}
