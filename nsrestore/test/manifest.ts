/** A manifest and a job to vary. */
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { Job } from '../src/job';

export const manifest = (over: {
  readonly process?: Partial<Manifest['process']>;
  readonly externalMounts?: readonly string[];
  readonly volumes?: Manifest['volumes'];
}): Manifest =>
  ({
    version: 1,
    process: { count: 3, stdio: ['/dev/null', 'pipe:[11]', 'pipe:[12]'], memoryBytes: 4096, ...over.process },
    dump: { externalMounts: over.externalMounts ?? [], joinedNamespaces: ['uts', 'ipc'], pausedSeconds: 0.1 },
    volumes: over.volumes ?? [],
    sizeBytes: 123,
  }) as unknown as Manifest;

export const job = (over: Partial<Job>): Job => ({
  artifact: '/store/a',
  digest: `sha256:${'0'.repeat(64)}`,
  images: '/work/images',
  root: '/root-of-pod',
  work: '/work',
  criu: '/opt/criu/criu',
  cgroupProcs: ['/cg/pids/x/cgroup.procs', '/cg/unified/x/cgroup.procs'],
  cgroupNs: '/proc/self/ns/cgroup',
  fds: { net: 3, stdin: 4, stdout: 5, stderr: 6 },
  oomScoreAdj: '300',
  deadlineMs: 5000,
  ...over,
});
