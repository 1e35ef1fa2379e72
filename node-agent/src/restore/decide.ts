/** Whether an artifact may be restored into a placeholder: every reason against it at once, before any process exists; pure. */
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { humanBytes } from '@dynamo-snapshot/api/quantity';

export interface Place {
  readonly architecture: string;
  readonly imageDigest: string;
  readonly mountPoints: readonly string[];
  readonly processName: string;
  readonly waitingName: string;
  /** Bytes that the placeholder's memory limit allows; absent = no limit. */
  readonly memoryLimitBytes?: number;
}

export const reasonsAgainst = (
  manifest: Manifest,
  place: Place,
  skipCompatCheck: boolean,
): readonly string[] => [
  ...standbyReasons(place),
  ...mountReasons(manifest, place),
  ...(skipCompatCheck ? [] : compatReasons(manifest, place)),
];

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

function compatReasons({ source, container, process }: Manifest, place: Place): readonly string[] {
  const limit = place.memoryLimitBytes;
  return [
    ...(source.architecture === place.architecture
      ? []
      : [`captured on ${source.architecture}, this node is ${place.architecture}`]),
    ...(container.imageDigest === place.imageDigest
      ? []
      : [`captured from image ${container.imageDigest}, the container runs ${place.imageDigest}`]),
    ...(limit === undefined || process.memoryBytes <= limit
      ? []
      : [`needs ${humanBytes(process.memoryBytes)} of memory, the limit is ${humanBytes(limit)}`]),
  ];
}
