/**
 * Optional encryption of an artifact: AES-256-GCM, chunk by chunk, with a key of its own for each artifact, which is wrapped by a key of
 * the ring. A chunk's nonce is its place, and no place is written twice with one key. Lengths stay as they are; tags are kept beside
 * the digests.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Manifest } from '@dynamo-snapshot/api/manifest';

export const KEY_BYTES = 32;
export const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const ALGORITHM = 'aes-256-gcm';

export interface RingKey {
  readonly id: string;
  readonly key: Buffer;
}

type Encryption = NonNullable<Manifest['encryption']>;

export interface Encrypted {
  readonly content: Buffer;
  readonly tag: Buffer;
}

/** Shards are numbered from here on, other files from 0. */
export const FIRST_SHARD = 2 ** 31;

function nonceOf(file: number, offset: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(file);
  nonce.writeBigUInt64BE(BigInt(offset), 4);
  return nonce;
}

export function encrypt(key: Uint8Array, file: number, offset: number, content: Uint8Array): Encrypted {
  const cipher = createCipheriv(ALGORITHM, key, nonceOf(file, offset), { authTagLength: TAG_BYTES });
  const hidden = cipher.update(content);
  cipher.final();
  return { content: hidden, tag: cipher.getAuthTag() };
}

/** Throws where the key or the place is another, or a bit has changed. */
export function decrypt(key: Uint8Array, file: number, offset: number, { content, tag }: Encrypted): Buffer {
  const cipher = createDecipheriv(ALGORITHM, key, nonceOf(file, offset), { authTagLength: TAG_BYTES });
  cipher.setAuthTag(tag);
  const plain = cipher.update(content);
  cipher.final();
  return plain;
}

/** A fresh key for one artifact, and how its manifest carries it. */
export function newKey({ id, key }: RingKey): { readonly key: Buffer; readonly encryption: Encryption } {
  const fresh = randomBytes(KEY_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  const wrapped = Buffer.concat([nonce, cipher.update(fresh), cipher.final(), cipher.getAuthTag()]);
  return { key: fresh, encryption: { cipher: ALGORITHM, keyId: id, wrappedKey: wrapped.toString('base64') } };
}

/** Throws KeyMissing where the ring does not have the key, ArtifactDamaged where it does not fit. */
export function unwrapKey({ keyId, wrappedKey }: Encryption, ring: readonly RingKey[]): Buffer {
  const found = ring.find(({ id }) => id === keyId);
  if (found === undefined)
    throw new TerminalError(
      'KeyMissing',
      `the artifact is encrypted with key ${keyId}, which is not on the ring`,
    );
  const wrapped = Buffer.from(wrappedKey, 'base64');
  const body = wrapped.subarray(NONCE_BYTES, -TAG_BYTES);
  try {
    const cipher = createDecipheriv(ALGORITHM, found.key, wrapped.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    cipher.setAuthTag(wrapped.subarray(-TAG_BYTES));
    return Buffer.concat([cipher.update(body), cipher.final()]);
  } catch (cause) {
    throw new TerminalError('ArtifactDamaged', `manifest.json: its key does not open with key ${keyId}`, {
      cause,
    });
  }
}
