/**
 * Keys from a folder that a Secret is mounted at. `signing.pem` signs; each `*.pub.pem` is trusted; each `*.key` (32 bytes, raw or in
 * base64) opens artifacts, and the one that the configuration names also closes them. To rotate, add a key, name it, and remove
 * the old one when no artifact has it any more.
 */
import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { RingKey } from './cipher';
import { KEY_BYTES, newKey, unwrapKey } from './cipher';
import type { SignaturePolicy } from './seal';

export interface Keys extends SignaturePolicy {
  readonly signing?: KeyObject;
  /** Closes new artifacts. */
  readonly current?: RingKey;
  readonly ring: readonly RingKey[];
}

export interface KeyConfig {
  /** Empty = no keys. */
  readonly keys: string;
  readonly requireSignature: boolean;
  /** Name of the key (without .key) that new artifacts are encrypted with; empty = they are not. */
  readonly encryptWith: string;
}

/** Throws KeyInvalid for a file that is no such key, KeyMissing where the configured one is not there. */
export function readKeys({ keys, requireSignature, encryptWith }: KeyConfig): Keys {
  const names = keys === '' || !existsSync(keys) ? [] : readdirSync(keys);
  const ring = names
    .filter((name) => name.endsWith('.key'))
    .map((name) => ({
      id: name.slice(0, -'.key'.length),
      key: secretOf(name, readFileSync(join(keys, name))),
    }));
  const current = ring.find(({ id }) => id === encryptWith);
  if (encryptWith !== '' && current === undefined)
    throw new TerminalError('KeyMissing', `${encryptWith}.key is not in ${keys || 'any folder of keys'}`);
  const signing = names.includes('signing.pem') ? pem(keys, 'signing.pem', createPrivateKey) : undefined;
  const trusted = names
    .filter((name) => name.endsWith('.pub.pem'))
    .map((name) => pem(keys, name, createPublicKey));
  return {
    trusted: signing === undefined ? trusted : [...trusted, createPublicKey(signing)],
    required: requireSignature,
    ring,
    ...(signing === undefined ? {} : { signing }),
    ...(current === undefined ? {} : { current }),
  };
}

/** What a new artifact is protected with. */
export interface Protection {
  readonly signing?: KeyObject;
  /** Encrypts every chunk. */
  readonly key?: Buffer;
  readonly encryption?: NonNullable<Manifest['encryption']>;
}

export const protectionOf = ({ signing, current }: Keys): Protection => ({
  ...(signing === undefined ? {} : { signing }),
  ...(current === undefined ? {} : newKey(current)),
});

/** Absent where nothing is encrypted. Throws KeyMissing, ArtifactDamaged. */
export const keyOf = ({ encryption }: Manifest, { ring }: Keys): Buffer | undefined =>
  encryption === undefined ? undefined : unwrapKey(encryption, ring);

function secretOf(name: string, content: Buffer): Buffer {
  const key =
    content.length === KEY_BYTES ? content : Buffer.from(content.toString('latin1').trim(), 'base64');
  if (key.length !== KEY_BYTES)
    throw new TerminalError('KeyInvalid', `${name} has ${key.length} bytes, not ${KEY_BYTES}`);
  return key;
}

function pem(dir: string, name: string, parse: (text: string) => KeyObject): KeyObject {
  try {
    const key = parse(readFileSync(join(dir, name), 'utf8'));
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is a key for ${key.asymmetricKeyType}`);
    return key;
  } catch (cause) {
    throw new TerminalError('KeyInvalid', `${name} is no Ed25519 key in PEM`, { cause });
  }
}
