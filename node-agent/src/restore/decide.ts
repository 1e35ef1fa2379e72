/** Whether an artifact may be restored into a placeholder: every reason against it at once, before any process exists; pure. */
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { GpuFacts, Manifest } from '@dynamo-snapshot/api/manifest';
import { humanBytes } from '@dynamo-snapshot/api/quantity';

export interface Place {
  readonly architecture: string;
  readonly kernel: string;
  readonly cpuFeatures: readonly string[];
  readonly gpu?: GpuFacts;
  readonly imageDigest: string;
  readonly mountPoints: readonly string[];
  /** By mount path: the root, and the volumes that are filled. */
  readonly freeBytes: ReadonlyMap<string, number>;
  readonly processName: string;
  readonly waitingName: string;
  /** Bytes that the placeholder's memory limit allows; absent = no limit. */
  readonly memoryLimitBytes?: number;
  /** Of the node. */
  readonly availableMemoryBytes?: number;
  /** Tasks that the limits of container and pod still allow; absent = no limit. */
  readonly freePids?: number;
}

export interface Verdict {
  readonly reasons: readonly string[];
  /** Reasons that were passed over because the pod asked for it. */
  readonly skipped: readonly string[];
}

/**
 * What the kernel or CRIU would refuse half-way, or what would make another worker of it without a word, cannot be skipped; what is an
 * estimate, or a risk that somebody may know better, can.
 */
export function judge(manifest: Manifest, place: Place, skipCompatCheck: boolean): Verdict {
  const firm = [
    ...standbyReasons(place),
    ...mountReasons(manifest, place),
    ...pidReasons(manifest, place),
    ...spaceReasons(manifest, place),
  ];
  const compat = [
    ...machineReasons(manifest.source, place),
    ...imageReasons(manifest, place),
    ...memoryReasons(manifest, place),
  ];
  return skipCompatCheck
    ? { reasons: firm, skipped: compat }
    : { reasons: [...firm, ...compat], skipped: [] };
}

const standbyReasons = ({ processName, waitingName }: Place): readonly string[] =>
  processName === waitingName
    ? []
    : [`PID 1 of the container is ${processName || 'gone'}, not a standby that waits`];

function mountReasons(manifest: Manifest, place: Place): readonly string[] {
  const there = new Set(place.mountPoints);
  return manifest.dump.externalMounts
    .filter((path) => !there.has(path))
    .map((path) => `nothing is mounted at ${path}`);
}

/** CRIU's own processes while it restores. */
const CRIU_PIDS = 8;

function pidReasons({ process }: Manifest, { freePids = Infinity }: Place): readonly string[] {
  const needed = process.tree.processes.reduce((sum, p) => sum + p.threads, CRIU_PIDS);
  return needed <= freePids ? [] : [`needs ${needed} tasks, the pod's limit leaves ${freePids}`];
}

function spaceReasons({ files, volumes }: Manifest, { freeBytes }: Place): readonly string[] {
  const places = [{ mountPath: '/', file: artifactFile.rootfsTar as string }, ...volumes];
  return places.flatMap(({ mountPath, file }) => {
    const needed = files.find((f) => f.path === file)?.sizeBytes ?? 0;
    const free = freeBytes.get(mountPath) ?? 0;
    return needed <= free
      ? []
      : [`the files at ${mountPath} need ${humanBytes(needed)}, ${humanBytes(free)} are free`];
  });
}

function machineReasons(source: Manifest['source'], place: Place): readonly string[] {
  if (source.architecture !== place.architecture)
    return [`captured on ${source.architecture}, this node is ${place.architecture}`];
  const has = new Set(place.cpuFeatures);
  const lacking = (source.cpuFeatures ?? []).filter((feature) => !has.has(feature));
  return [
    ...(lacking.length > 0
      ? [`the processor lacks ${lacking.join(' ')}, which the source's had (${source.cpuModel ?? 'unknown'})`]
      : []),
    ...(isOlder(place.kernel, source.kernel)
      ? [`captured on kernel ${source.kernel}, this node runs the older ${place.kernel}`]
      : []),
  ];
}

/** By major and minor number: what a kernel gave to a process, an older one may not know. */
function isOlder(kernel: string, than: string): boolean {
  const numbers = (release: string) => release.split('.').map((part) => parseInt(part));
  const [[a = 0, b = 0], [c = 0, d = 0]] = [numbers(kernel), numbers(than)];
  return a < c || (a === c && b < d);
}

const imageReasons = ({ container }: Manifest, place: Place): readonly string[] =>
  container.imageDigest === place.imageDigest
    ? []
    : [`captured from image ${container.imageDigest}, the container runs ${place.imageDigest}`];

function memoryReasons({ process }: Manifest, place: Place): readonly string[] {
  const needed = process.memoryBytes;
  const { memoryLimitBytes: limit = Infinity, availableMemoryBytes: available = Infinity } = place;
  return [
    ...(needed <= limit ? [] : [`needs ${humanBytes(needed)} of memory, the limit is ${humanBytes(limit)}`]),
    ...(needed <= available
      ? []
      : [`needs ${humanBytes(needed)} of memory, the node has ${humanBytes(available)}`]),
  ];
}
