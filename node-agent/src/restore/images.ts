/** The image folder of one clone: links to the artifact's images, which many read, and those that differ for this pod. */
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rewrite } from '../criu/inet';
import { rewriteSockets } from '../criu/inet';

const SOCKETS = 'files.img';

/** Links, not hard links: the work folder is on the node, the store need not be. */
export function imagesOfClone(images: string, dir: string, rewrite: Rewrite): string {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(images))
    if (name !== SOCKETS) symlinkSync(join(images, name), join(dir, name));
  const sockets = rewriteSockets(SOCKETS, readFileSync(join(images, SOCKETS)), rewrite);
  writeFileSync(join(dir, SOCKETS), sockets, { mode: 0o600 });
  return dir;
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
