/** seal.json: the digest of the manifest, and optionally an Ed25519 signature of it. The manifest vouches for everything else. */
import type { KeyObject } from 'node:crypto';
import { createHash, createPublicKey, sign, verify } from 'node:crypto';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Seal } from '@dynamo-snapshot/api/seal';
import { parseSeal } from '@dynamo-snapshot/api/validate';

export interface SignaturePolicy {
  /** Public keys whose signature counts. */
  readonly trusted: readonly KeyObject[];
  /** Refuse what none of them has signed. */
  readonly required: boolean;
}

export const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** Short name of a public key, or of a private key's public half. */
export function keyIdOf(key: KeyObject): string {
  const shared = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(shared.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
}

export function sealOf(manifest: string, key: KeyObject | undefined): Seal {
  const seal = { version: 1 as const, manifest: digestOf(manifest) };
  if (key === undefined) return seal;
  const value = sign(null, Buffer.from(manifest), key).toString('base64');
  return { ...seal, signature: { keyId: keyIdOf(key), value } };
}

/** Throws ArtifactDamaged or SignatureRefused. */
export function checkSeal(manifest: string, text: string, { trusted, required }: SignaturePolicy): void {
  const { manifest: digest, signature } = parseSeal(text);
  if (digest !== digestOf(manifest))
    throw new TerminalError('ArtifactDamaged', `${artifactFile.manifest} is not the one that was sealed`);
  const key = trusted.find((k) => keyIdOf(k) === signature?.keyId);
  if (key === undefined || signature === undefined) {
    if (!required) return;
    const by = signature === undefined ? 'by nobody' : `with key ${signature.keyId}, which is not trusted`;
    throw new TerminalError('SignatureRefused', `${artifactFile.seal}: signed ${by}`);
  }
  if (!verify(null, Buffer.from(manifest), key, Buffer.from(signature.value, 'base64')))
    throw new TerminalError('SignatureRefused', `${artifactFile.seal}: the signature does not fit`);
}
