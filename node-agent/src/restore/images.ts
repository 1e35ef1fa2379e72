/** The images of one clone: those of the artifact, but for the ones that differ for this pod. */
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Rewrite } from '../criu/inet';
import { rewriteSockets } from '../criu/inet';
import { adviseAsBefore } from '../criu/mm';
import { totalBytes } from '../memory/catalog';
import { hugePagesPay } from '../memory/decide';
import type { Verified } from '../store/verify';

const SOCKETS = 'files.img';

/** By their path in the artifact. */
export function editsOfClone(
  content: ReadonlyMap<string, Buffer>,
  rewrite: Rewrite,
): ReadonlyMap<string, Buffer> {
  const path = `${artifactFile.images}/${SOCKETS}`;
  const sockets = content.get(path);
  if (sockets === undefined) throw new TerminalError('ArtifactInvalid', `${path} is missing or too large`);
  return new Map([[path, rewriteSockets(SOCKETS, sockets, rewrite)]]);
}

/**
 * The areas' advice as the source had it, where it has more memory than there are huge pages free. With a GPU part it stays: the driver's
 * restore gains more than making them free costs.
 */
export function editsOfAdvice(
  { content, index }: Pick<Verified, 'content' | 'index'>,
  hasGpu: boolean,
  hugeBytesFree: number,
): ReadonlyMap<string, Buffer> {
  if (index === undefined || hasGpu || hugePagesPay(totalBytes(index), hugeBytesFree)) return new Map();
  const pids = [...new Set(index.advised.map(({ pid }) => pid))];
  return new Map(
    pids.map((pid) => {
      const name = `mm-${pid}.img`;
      const path = `${artifactFile.images}/${name}`;
      const bytes = content.get(path);
      if (bytes === undefined) throw new TerminalError('ArtifactInvalid', `${path} is missing or too large`);
      return [
        path,
        adviseAsBefore(
          name,
          bytes,
          index.advised.filter((area) => area.pid === pid),
        ),
      ];
    }),
  );
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
