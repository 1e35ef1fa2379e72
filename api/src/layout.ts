/** Which file lies where in the store and in an artifact. Paths only; nothing here touches a disk. */
import { IDENTITY_HASH } from './identity';
import { TerminalError } from './errors';

export interface ArtifactRef {
  readonly namespace: string;
  readonly identityHash: string;
  /** UID of the checkpoint that it belongs to. */
  readonly uid: string;
}

export const artifactFile = {
  manifest: 'manifest.json',
  seal: 'seal.json',
  images: 'criu',
  rootfsTar: 'rootfs.tar',
  rootfsIndex: 'rootfs.json',
  volumes: 'volumes',
  dumpLog: 'criu/dump.log',
  /** Its DynamoCheckpoint was deleted with policy Retain: no sweep may take it. */
  retained: 'retained',
  /** No DynamoCheckpoint owns it: so since when the mark is there. */
  orphaned: 'orphaned',
  pages: 'pages',
  pagesIndex: 'pages/index.json',
} as const;

/** Prefix of the pax records that carry extended attributes (base64) in our tars. */
export const PAX_XATTR = 'DYNAMO.xattr.';

/** Pax record with mode (octal), uid and gid: a tar header has no room for large ids, and readers take mode 0 as unset. */
export const PAX_OWNER = 'DYNAMO.owner';

/** Bulk memory; one thread of the capture writes one shard. */
export const shardFile = (index: number): string => `${artifactFile.pages}/shard-${index}`;

export const volumeTar = (index: number): string => `${artifactFile.volumes}/${index}.tar`;

export const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
export const UID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `<namespace>/<identity hash>/<uid>`, relative to the store. Throws InvalidArtifactRef rather than build a path of odd parts. */
export function artifactPath(ref: ArtifactRef): string {
  checkPart('namespace', ref.namespace, NAMESPACE);
  checkPart('identity hash', ref.identityHash, IDENTITY_HASH);
  checkPart('artifact uid', ref.uid, UID);
  return `${ref.namespace}/${ref.identityHash}/${ref.uid}`;
}

/** Beside its place, so that a rename publishes an artifact that is written, and hides one that is removed. */
export const besidePrefix = { artifact: '', staging: '.staging-', deleting: '.deleting-' } as const;
export type FolderKind = keyof typeof besidePrefix;

/** Where an artifact is written until it is whole. */
export const stagingPath = (ref: ArtifactRef): string => folderPath(ref, 'staging');

/** Relative to the store. */
export const folderPath = (ref: ArtifactRef, kind: FolderKind): string =>
  artifactPath(ref).replace(/[^/]+$/, (uid) => `${besidePrefix[kind]}${uid}`);

function checkPart(what: string, value: string, pattern: RegExp): void {
  if (!pattern.test(value))
    throw new TerminalError('InvalidArtifactRef', `${what} ${JSON.stringify(value)} is not valid`);
}
