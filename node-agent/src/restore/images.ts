/** The images of one clone: those of the artifact, but for the ones that differ for this pod. */
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { AdvisedArea, PagesIndex } from '@dynamo-snapshot/api/pages';
import type { Rewrite } from '../criu/inet';
import { rewriteSockets } from '../criu/inet';
import { adviseAsBefore, readAreas } from '../criu/mm';
import { isMountsImage, withExternalMountsThere } from '../criu/mounts';
import { totalOf } from '../linux/extent';
import { extentsOf, totalBytes } from '../memory/catalog';
import { hugePagesPay, whereHugePagesPay } from '../memory/decide';
import type { Verified } from '../store/verify';

const SOCKETS = 'files.img';

/** By their path in the artifact. */
export function editsOfClone(
  content: ReadonlyMap<string, Buffer>,
  rewrite: Rewrite,
): ReadonlyMap<string, Buffer> {
  const mounts = [...content].flatMap(([path, bytes]): [string, Buffer][] => {
    const edited = isMountsImage(path) ? withExternalMountsThere(path, bytes) : undefined;
    return edited === undefined ? [] : [[path, edited]];
  });
  return new Map([
    ...mounts,
    [imagePath(SOCKETS), rewriteSockets(SOCKETS, imageOf(content, SOCKETS), rewrite)],
  ]);
}

/**
 * The areas' advice as the source had it, but for those that there are huge pages for. With a GPU part all keep theirs: the driver's restore
 * gains more than making them free costs.
 */
export function editsOfAdvice(
  { content, index }: Pick<Verified, 'content' | 'index'>,
  hasGpu: boolean,
  hugeBytesFree: number,
): ReadonlyMap<string, Buffer> {
  if (index === undefined || hasGpu || hugePagesPay(totalBytes(index), hugeBytesFree)) return new Map();
  const areas = [...new Set(index.advised.map(({ pid }) => pid))].flatMap((pid) =>
    advisedAreas(pid, index, imageOf(content, `mm-${pid}.img`)),
  );
  const kept = whereHugePagesPay(areas, hugeBytesFree);
  const taken = Map.groupBy(
    areas.filter((area) => !kept.has(area)),
    ({ pid }) => `mm-${pid}.img`,
  );
  return new Map(
    [...taken].map(([name, before]) => [
      imagePath(name),
      adviseAsBefore(name, imageOf(content, name), before),
    ]),
  );
}

interface SizedArea extends AdvisedArea {
  /** What of it the shards hold. */
  readonly bytes: number;
}

function advisedAreas(pid: number, { chunks, advised }: PagesIndex, image: Buffer): readonly SizedArea[] {
  const ends = new Map(readAreas(`mm-${pid}.img`, image).map(({ start, end }) => [start, end]));
  const memory = chunks.filter((chunk) => chunk.pid === pid).flatMap(extentsOf);
  return advised
    .filter((area) => area.pid === pid)
    .map((area) => {
      const end = ends.get(area.start) ?? area.start;
      const within = memory.filter(({ address }) => address >= area.start && address < end);
      return { ...area, bytes: totalOf(within) };
    });
}

/** In the artifact. */
export const imagePath = (name: string): string => `${artifactFile.images}/${name}`;

/** Throws ArtifactInvalid where it is not among what was read. */
export function imageOf(content: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const bytes = content.get(imagePath(name));
  if (bytes === undefined)
    throw new TerminalError('ArtifactInvalid', `${imagePath(name)} is missing or too large`);
  return bytes;
}

/** The pod's addresses, whether one or one of each family was written down. */
export const addressesOf = (pod: {
  readonly podIp?: string | undefined;
  readonly podIps?: readonly string[] | undefined;
}): readonly string[] => pod.podIps ?? (pod.podIp === undefined ? [] : [pod.podIp]);

/** Each address of the source at the clone's address of the same family. */
export const movedAddresses = (from: readonly string[], to: readonly string[]): ReadonlyMap<string, string> =>
  new Map(
    from.flatMap((address): [string, string][] => {
      const now = to.find((other) => other.includes(':') === address.includes(':'));
      return now === undefined ? [] : [[address, now]];
    }),
  );
