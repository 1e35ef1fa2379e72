/** mountpoints-*.img: the mounts of the tree (criu: images/mnt.proto); pure. */
import { fields, understood } from './fields';
import { readImage, writeImage } from './image';

/** Of a mnt_entry. */
const FIELD = { deleted: 16, externalKey: 18 } as const;

export const isMountsImage = (path: string): boolean => /(^|\/)mountpoints-\d+\.img$/.test(path);

/**
 * What is mounted from outside was there when the container was made, and may have been unlinked since: a kubelet does so with the file of a
 * `subPath` when its ConfigMap changes. CRIU would make it anew and fails, for the pod has one ("Can't re-create deleted file"); so
 * such mounts are told to be like all others. Undefined where there is none. Throws ImageInvalid.
 */
export function withExternalMountsThere(name: string, bytes: Buffer): Buffer | undefined {
  return understood(name, () => {
    const { magic, messages } = readImage(name, bytes);
    const changed = messages.map(thereIfExternal);
    return changed.some((message, i) => message !== messages[i])
      ? writeImage({ magic, messages: changed })
      : undefined;
  });
}

function thereIfExternal(message: Buffer): Buffer {
  const all = fields(message);
  const isExternal = all.some(({ number }) => number === FIELD.externalKey);
  const kept = all.filter(({ number }) => number !== FIELD.deleted);
  return isExternal && kept.length < all.length ? Buffer.concat(kept.map(({ raw }) => raw)) : message;
}
