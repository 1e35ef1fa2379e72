/** From the runtime's answer to what the engine needs to know of a container; pure. */
import { isControlVolume } from '@dynamo-snapshot/api/control';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { MountedVolume } from '../engine';
import type { ContainerId, HostPid } from '../linux/ids';
import { hostPid } from '../linux/ids';

export interface CriStatus {
  readonly status?: {
    readonly metadata?: { readonly name: string };
    readonly state: number;
    readonly image?: { readonly image: string };
    readonly image_ref: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly mounts: readonly { readonly container_path: string; readonly host_path: string }[];
  };
  readonly info: Readonly<Record<string, string>>;
}

/** A row of the runtime's list. */
export interface ListedContainer {
  readonly id: string;
  readonly pod_sandbox_id: string;
  readonly state: number;
  /** `attempt` counts the restarts. */
  readonly metadata?: { readonly name: string; readonly attempt: number };
}

export interface ContainerFacts {
  readonly id: ContainerId;
  readonly pid: HostPid;
  readonly name: string;
  readonly podName: string;
  readonly podUid: string;
  readonly image: string;
  readonly imageDigest: string;
  readonly command: readonly string[];
  readonly binds: readonly { readonly containerPath: string; readonly hostPath: string }[];
}

/** runtime/v1 ContainerState. */
export const containerState = { created: 0, running: 1 } as const;

export function containerFacts(id: ContainerId, { status, info }: CriStatus): ContainerFacts {
  if (status?.state !== containerState.running)
    throw new TerminalError('ContainerGone', `container ${id.slice(0, 12)} does not run`);
  const verbose = verboseOf(info['info'] ?? '{}');
  return {
    id,
    pid: hostPid(verbose.pid),
    name: status.metadata?.name ?? '',
    podName: status.labels['io.kubernetes.pod.name'] ?? '',
    podUid: status.labels['io.kubernetes.pod.uid'] ?? '',
    image: status.image?.image ?? '',
    imageDigest: digestOf(status.image_ref),
    command: verbose.runtimeSpec?.process?.args ?? [],
    binds: status.mounts.map((m) => ({ containerPath: m.container_path, hostPath: m.host_path })),
  };
}

interface Verbose {
  readonly pid?: number;
  readonly runtimeSpec?: { readonly process?: { readonly args?: readonly string[] } };
}

/** containerd's own JSON in the verbose answer; not part of CRI. */
function verboseOf(text: string): Verbose {
  try {
    return (JSON.parse(text) as Verbose | null) ?? {};
  } catch (cause) {
    throw new TerminalError('RuntimeUnclear', 'the runtime describes the container in no JSON', { cause });
  }
}

/** `docker.io/x/y@sha256:…` (pulled) or `sha256:…` (imported: the image's id): the same image has the same on every node. */
const digestOf = (imageRef: string): string => /sha256:[0-9a-f]{64}/.exec(imageRef)?.[0] ?? imageRef;

/** Volumes as the kubelet lays them out on the host, where no pod spec is at hand: <root>/pods/<uid>/volumes/<plugin>/<name>. */
export const volumesOf = ({ binds }: ContainerFacts): readonly MountedVolume[] =>
  binds.flatMap(({ containerPath, hostPath }) => {
    const [, plugin, name] = /\/volumes\/kubernetes\.io~([a-z-]+)\/([^/]+)/.exec(hostPath) ?? [];
    if (plugin === undefined || name === undefined) return [];
    const kind =
      plugin === 'empty-dir'
        ? emptyDirKind(name, containerPath)
        : isProjected(plugin)
          ? 'projected'
          : 'other';
    return [{ name, mountPath: containerPath, kind }];
  });

const emptyDirKind = (name: string, mountPath: string): MountedVolume['kind'] => {
  if (isControlVolume(name)) return 'control';
  return mountPath === '/dev/shm' ? 'other' : 'emptyDir';
};

const isProjected = (plugin: string): boolean =>
  ['projected', 'configmap', 'secret', 'downward-api'].includes(plugin);
