/** CRIU's command line for a restore; pure. */
import { GATE_FILE } from '@dynamo-snapshot/api/gate';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { Job } from './job';

/** From this number on CRIU inherits our descriptors; below lie its own. */
const FIRST_FD = 3;

export interface Inherited {
  /** Key in the image. */
  readonly key: string;
  /** Our own descriptor. */
  readonly fd: number;
}

/** Pipes that the dump found at fd 0, 1, 2 become those of the placeholder: its logs go on. The same pipe is handed over once. */
export function inherited({ process }: Manifest, { fds }: Job): readonly Inherited[] {
  const ours = [fds.stdin, fds.stdout, fds.stderr];
  const pipes = process.stdio
    .map((key, i) => ({ key, fd: ours[i] ?? -1 }))
    .filter(({ key }) => key.startsWith('pipe:'));
  const once = pipes.filter(({ key }, i) => pipes.findIndex((p) => p.key === key) === i);
  const tty = process.tty === undefined ? [] : [{ key: `tty[${process.tty}]`, fd: fds.stdin }];
  const gate = fds.gate === undefined ? [] : [{ key: GATE_FILE, fd: fds.gate }];
  return [{ key: 'extNetNs', fd: fds.net }, ...once, ...tty, ...gate];
}

export const pidFile = (job: Job): string => `${job.work}/restored.pid`;

export function restoreArgs(job: Job, manifest: Manifest): readonly string[] {
  const handed = inherited(manifest, job).flatMap(({ key }, i) => [
    '--inherit-fd',
    `fd[${FIRST_FD + i}]:${key}`,
  ]);
  const mounts = manifest.dump.externalMounts.flatMap((path) => [
    '--external',
    `mnt[${path}]:${job.root}${path}`,
  ]);
  return [
    job.criu,
    'restore',
    '--no-default-config',
    ...['--images-dir', job.images, '--work-dir', job.work],
    ...['--log-file', 'restore.log', '-v2', '--restore-detached', '--pidfile', pidFile(job)],
    // It runs when the agent has seen that it is what was dumped.
    '--leave-stopped',
    // The agent stands for its page server.
    ...(job.fds.gate === undefined ? [] : ['--lazy-pages']),
    ...[
      '--root',
      job.root,
      '--manage-cgroups=ignore',
      // The images of a clone have external connections closed already (keep-local).
      manifest.dump.tcp === 'keep-local' ? '--tcp-established' : '--tcp-close',
      '--file-locks',
      '--link-remap',
      '--force-irmap',
    ],
    ...handed,
    ...mounts,
  ];
}

/**
 * Puts itself into each group, takes the placeholder's OOM score, enters its cgroup namespace, then becomes the command: in this order, since
 * from within a namespace nobody is moved who is seen outside of it (cgroup(7), nsdelegate). Data comes as positional parameters only.
 */
const JOIN = `score=$1; count=$2; shift 2
while [ "$count" -gt 0 ]; do echo 0 > "$1" || exit 125; shift; count=$((count - 1)); done
echo "$score" > /proc/self/oom_score_adj
exec "$@"`;

export const joined = (job: Job, argv: readonly string[]): readonly string[] => [
  ...['/bin/sh', '-c', JOIN, 'join', job.oomScoreAdj, String(job.cgroupProcs.length)],
  ...job.cgroupProcs,
  ...['/usr/bin/nsenter', `--cgroup=${job.cgroupNs}`, '--'],
  ...argv,
];
