/**
 * The GPUs of a container: those that the kubelet gave it by UUID; else, also for claims (their devices have no UUID there), those
 * whose device nodes it has. A container that sees more GPUs than it uses is about the used ones (docs/adr/0023).
 */
import { readdirSync, statSync } from 'node:fs';
import type { GpuConfig } from '../config';
import type { PodFacts } from '../engine';
import type { Device, GpuNode } from './device';
import { GPU_UUID } from './device';
import type { ContainerName } from './pod-resources';
import { givenDevices } from './pod-resources';

export interface GpuContainer {
  /** A process in its mount namespace. */
  readonly pid: number;
  /** Absent where there is no Kubernetes. */
  readonly name?: ContainerName;
}

export const gpuContainer = (pid: number, pod: PodFacts | undefined): GpuContainer => ({
  pid,
  ...(pod === undefined
    ? {}
    : { name: { namespace: pod.namespace, pod: pod.name, container: pod.containerName } }),
});

export interface ContainerGpus {
  readonly devices: readonly Device[];
  /** Parts of GPUs, or ids that no GPU here has. */
  readonly foreign: readonly string[];
}

export async function gpusOf(
  node: GpuNode,
  { pid, name }: GpuContainer,
  config: GpuConfig,
): Promise<ContainerGpus> {
  const given = name === undefined ? undefined : await givenDevices(config.podResources, name);
  if (given !== undefined && given.ids.length > 0) return byUuid(node, given.ids);
  const minors = deviceMinors(pid);
  const devices = node.devices.filter((d) => minors.has(d.minor));
  const missing = devices.length < (given?.claimed.length ?? 0) ? (given?.claimed ?? []) : [];
  return { devices, foreign: missing };
}

function byUuid({ devices }: GpuNode, ids: readonly string[]): ContainerGpus {
  // Time-sliced GPUs are given as <UUID>::<n>.
  const uuids = [...new Set(ids.map((id) => id.replace(/::\d+$/, '')))];
  const known = uuids.filter((uuid) => GPU_UUID.test(uuid) && devices.some((d) => d.uuid === uuid));
  return {
    devices: known.flatMap((uuid) => devices.find((d) => d.uuid === uuid) ?? []),
    foreign: uuids.filter((uuid) => !known.includes(uuid)),
  };
}

/** Major number of the GPU nodes (Linux: devices.txt). */
const NVIDIA_MAJOR = 195;

/** N of every /dev/nvidiaN that the process can reach; 254 and 255 are the control devices. */
function deviceMinors(pid: number): ReadonlySet<number> {
  const dir = `/proc/${pid}/root/dev`;
  return new Set(
    names(dir)
      .filter((name) => /^nvidia\d+$/.test(name))
      .flatMap((name) => {
        const rdev = statSync(`${dir}/${name}`, { throwIfNoEntry: false })?.rdev ?? 0;
        return rdev >> 8 === NVIDIA_MAJOR ? [rdev & 0xff] : [];
      }),
  );
}

function names(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
