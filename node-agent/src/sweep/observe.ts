/** What lies in the store, and what the API server knows of it. The store is read first: an owner is there before its artifact. */
import type { Dirent, Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { IDENTITY_HASH } from '@dynamo-snapshot/api/identity';
import type { ArtifactRef, FolderKind } from '@dynamo-snapshot/api/layout';
import { artifactFile, besidePrefix, folderPath, NAMESPACE, UID } from '@dynamo-snapshot/api/layout';
import { ASSIGNMENT, CHECKPOINT, GROUP, VERSION } from '@dynamo-snapshot/api/names';
import type { Instant } from '@dynamo-snapshot/api/time';
import { parseManifest } from '@dynamo-snapshot/api/validate';
import type { Api } from '@dynamo-snapshot/controller/api';
import type { Found } from './decide';

export interface Folder {
  readonly ref: ArtifactRef;
  readonly kind: FolderKind;
}

/** Folders whose names are of our making; there may be others, which are nobody's business. Empty `namespace` = all. */
export async function folders(store: string, namespace: string): Promise<readonly Folder[]> {
  const namespaces = namespace === '' ? await namesIn(store, NAMESPACE) : [namespace];
  const found = namespaces.map(async (ns) => {
    const hashes = await namesIn(join(store, ns), IDENTITY_HASH);
    return Promise.all(hashes.map((hash) => foldersIn(store, ns, hash)));
  });
  return (await Promise.all(found)).flat(2);
}

const foldersIn = async (store: string, namespace: string, hash: string): Promise<readonly Folder[]> =>
  (await namesIn(join(store, namespace, hash), /^/)).flatMap((name) => folderOf(namespace, hash, name) ?? []);

function folderOf(namespace: string, identityHash: string, name: string): Folder | undefined {
  const [, prefix = '', uid = ''] = /^(\.[a-z]+-)?(.*)$/s.exec(name) ?? [];
  const kind = (Object.keys(besidePrefix) as FolderKind[]).find((k) => besidePrefix[k] === prefix);
  return kind === undefined || !UID.test(uid) ? undefined : { ref: { namespace, identityHash, uid }, kind };
}

async function namesIn(dir: string, pattern: RegExp): Promise<readonly string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(orNone<Dirent[]>([]));
  return entries.filter((e) => e.isDirectory() && pattern.test(e.name)).map((e) => e.name);
}

/** What is gone by now was removed by somebody else. */
const orNone =
  <T>(none: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    return none;
  };

/** Every artifact that an object of the namespace names, whatever has become of the work. */
export async function ownedIn(api: Pick<Api, 'list'>, namespace: string): Promise<ReadonlySet<string>> {
  const ours = { group: GROUP, version: VERSION, namespace };
  const assignments = await api.list<SnapshotAssignment>({ ...ours, plural: ASSIGNMENT.plural });
  const checkpoints = await api.list<DynamoCheckpoint>({ ...ours, plural: CHECKPOINT.plural });
  const uids = [
    ...assignments.map(({ spec }) => spec.artifact?.uid),
    ...checkpoints.flatMap(({ metadata, status }) => [
      metadata.uid,
      status?.artifact?.uid,
      ...(status?.retired ?? []).map(({ uid }) => uid),
    ]),
  ];
  return new Set(uids.flatMap((uid) => uid ?? []));
}

/** Undefined where it is gone by now. The manifest of what is owned is of no interest. */
export async function look(
  store: string,
  { ref, kind }: Folder,
  isOwned: boolean,
): Promise<Found | undefined> {
  const dir = join(store, folderPath(ref, kind));
  const own = await timesOf(dir);
  if (own === undefined) return undefined;
  const [retained, orphaned] = await Promise.all(
    [artifactFile.retained, artifactFile.orphaned].map((file) => timesOf(join(dir, file))),
  );
  const changedAt = kind === 'artifact' ? ((await timesOf(join(dir, artifactFile.manifest))) ?? own) : own;
  return {
    ref,
    kind,
    known: !isOwned && kind === 'artifact' && (await isKnown(dir, ref)),
    retained: retained !== undefined,
    changedAt: latest(changedAt, kind === 'staging' ? await writesIn(dir) : []),
    ...(orphaned === undefined ? {} : { orphanedAt: orphaned.mtimeMs }),
  };
}

const timesOf = (path: string): Promise<Stats | undefined> => stat(path).catch(orNone(undefined));

/** The change time too: no program can set it back, as those do that unpack an archive. */
const latest = (own: Stats, others: readonly Stats[]): Instant =>
  Math.max(...[own, ...others].flatMap(({ mtimeMs, ctimeMs }) => [mtimeMs, ctimeMs]));

/** The folder itself does not change while a file in it grows. */
async function writesIn(dir: string): Promise<readonly Stats[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(orNone<Dirent[]>([]));
  const times = await Promise.all(entries.map((e) => timesOf(join(e.parentPath, e.name))));
  return times.flatMap((t) => t ?? []);
}

async function isKnown(dir: string, ref: ArtifactRef): Promise<boolean> {
  try {
    const { artifact } = parseManifest(await readFile(join(dir, artifactFile.manifest), 'utf8'));
    const { namespace, identityHash, uid } = artifact;
    return namespace === ref.namespace && identityHash === ref.identityHash && uid === ref.uid;
  } catch {
    return false;
  }
}
