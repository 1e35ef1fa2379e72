/** CRIU's restore of a worker where it was captured, with nsrestore's own command line. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { signal } from '@dynamo-snapshot/node-agent/linux/cgroup';
import { restoreTree } from '@dynamo-snapshot/nsrestore/criu';
import type { Job } from './cycle';
import type { Running } from './worker';
import { treeOf } from './worker';

/** CRIU leaves the tree stopped; it must run, for its own threads do the driver's restore. */
export function goOn({ worker }: Job<Running>): void {
  for (const pid of [...treeOf(worker)].reverse()) signal(pid, 'SIGCONT');
}

/** `gate` is the file of one. */
export async function criuRestore(
  job: Job<Running>,
  images: string,
  deadlineMs: number,
  gate?: number,
): Promise<void> {
  const { place, worker } = job;
  const net = openSync('/proc/self/ns/net', 'r');
  const none = openSync('/dev/null', 'r+');
  try {
    const manifest = {
      process: { stdio: ['/dev/null', '/dev/null', '/dev/null'] },
      dump: { externalMounts: [], joinedNamespaces: [], ...(job.tcp && { tcp: job.tcp }) },
    } as unknown as Manifest;
    const asked = {
      artifact: '',
      images,
      digest: '',
      root: '/',
      work: join(place.work, 'restore'),
      criu: place.config.criu,
      cgroupProcs: [join(worker.group, 'cgroup.procs')],
      cgroupNs: '/proc/self/ns/cgroup',
      fds: { net, stdin: none, stdout: none, stderr: none, ...(gate === undefined ? {} : { gate }) },
      oomScoreAdj: '0',
      deadlineMs,
    };
    await restoreTree(asked, manifest);
  } finally {
    for (const fd of [net, none]) closeSync(fd);
  }
}
