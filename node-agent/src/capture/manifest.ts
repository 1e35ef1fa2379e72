/** The manifest of a capture: what was seen, and what became of it; pure but for the facts of the machine. */
import { arch, hostname, release } from 'node:os';
import { volumeTar } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { MANIFEST_VERSION } from '@dynamo-snapshot/api/manifest';
import { originalCommand } from '@dynamo-snapshot/api/standby';
import type { TreeFacts } from '@dynamo-snapshot/api/tree';
import type { CaptureRequest, MountedVolume } from '../engine';
import type { DriverArea } from '../gate/plan';
import { cudaPart, gpuFacts } from '../gpu/manifest';
import { commandLine } from '../linux/proc';
import { memoryBytes } from './decide';
import type { DumpedMemory } from './memory';
import type { Seen } from './observe';

/** The files come last: their digests are taken when the source runs again. */
export type ManifestOf = (files: Manifest['files']) => Manifest;

const processPart = (seen: Seen, tree: TreeFacts): Manifest['process'] => ({
  count: tree.processes.length,
  tree,
  stdio: [...seen.stdio],
  memoryBytes: memoryBytes(seen),
  ...(seen.tty === undefined ? {} : { tty: seen.tty }),
});

const bulkBytes = (memory: DumpedMemory): number => (memory.pages === 'split' ? memory.bulkBytes : 0);

export interface ManifestParts {
  readonly request: CaptureRequest;
  readonly seen: Seen;
  readonly tree: TreeFacts;
  readonly volumes: readonly MountedVolume[];
  readonly join: readonly ('uts' | 'ipc')[];
  readonly paused: number;
  readonly areas: readonly DriverArea[];
  readonly memory: DumpedMemory;
  readonly criuVersion: string;
}

const sourceOf = (request: CaptureRequest, { cpu, gpu }: Seen, criuVersion: string): Manifest['source'] => ({
  nodeName: request.pod?.nodeName ?? hostname(),
  architecture: arch(),
  kernel: release(),
  criuVersion,
  cpuModel: cpu.model,
  cpuFeatures: [...cpu.features],
  ...gpuFacts(gpu),
});

function containerOf({ pod }: CaptureRequest, seen: Seen): Manifest['container'] {
  const { facts } = seen;
  const { id, name, podName, podUid, image, imageDigest } = facts;
  return {
    ...{ id, name, podName, podUid, image, imageDigest },
    command: [...commandOf(seen)],
    ...(pod?.ip === undefined ? {} : { podIp: pod.ip }),
    ...(pod?.ips === undefined ? {} : { podIps: [...pod.ips] }),
  };
}

export function manifestWriter({
  request,
  seen,
  tree,
  volumes,
  join: joined,
  paused,
  areas,
  memory,
  criuVersion,
}: ManifestParts): ManifestOf {
  const cuda = cudaPart(seen.gpu, areas);
  return (files) => ({
    version: MANIFEST_VERSION,
    createdAt: new Date().toISOString(),
    artifact: {
      ...request.artifact,
      ...(request.checkpoint === undefined ? {} : { checkpoint: request.checkpoint }),
    },
    source: sourceOf(request, seen, criuVersion),
    container: containerOf(request, seen),
    process: processPart(seen, tree),
    dump: {
      ...{ externalMounts: [...seen.externalMounts], joinedNamespaces: [...joined] },
      ...{ pausedSeconds: paused, ...memory },
      tcp: request.tcp ?? 'close',
      ...(request.hooks?.restored?.length ? { wake: [...request.hooks.restored] } : {}),
    },
    ...cuda,
    volumes: volumes.map(({ name, mountPath }, i) => ({ name, mountPath, file: volumeTar(i) })),
    files: [...files],
    sizeBytes: files.reduce((sum, f) => sum + f.sizeBytes, 0) + bulkBytes(memory),
  });
}

/** As the runtime started it; a worker may have changed its own argv since. Of a placeholder, what it stood for. */
function commandOf({ facts, root }: Seen): readonly string[] {
  const started = originalCommand(facts.command);
  return started.length > 0 ? started : commandLine(root.pid);
}
