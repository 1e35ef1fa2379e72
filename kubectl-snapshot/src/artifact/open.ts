/** An artifact to look at: a folder, an exported archive's folder, or a checkpoint's in the store, read through an agent's pod. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile, artifactPath } from '@dynamo-snapshot/api/layout';
import type { Manifest, RootfsIndex } from '@dynamo-snapshot/api/manifest';
import type { PagesIndex } from '@dynamo-snapshot/api/pages';
import { parseManifest, parsePagesIndex, parseRootfsIndex } from '@dynamo-snapshot/api/validate';
import { extract } from 'tar-stream';
import { archiveFile } from '../archive/layout';
import type { Images } from '../images/files';
import type { Session } from '../session';
import { anyAgent } from './agents';
import type { AgentPod } from './args';
import { describingTar, execArgs } from './args';

export interface Artifact {
  /** As the person named it. */
  readonly name: string;
  /** A folder of images alone has none. */
  readonly manifest?: Manifest;
  readonly digest?: string;
  readonly rootfs?: RootfsIndex;
  /** Of the shards; absent where CRIU's own files have all pages. */
  readonly pages?: PagesIndex;
  readonly images: Images;
}

/** With a slash or a dot at its begin it is a path, as a shell sees it; anything else is the name of a checkpoint. */
export const isPath = (name: string): boolean => name.includes('/') || name.startsWith('.');

export const openArtifact = (session: Session, name: string): Promise<Artifact> =>
  isPath(name) ? Promise.resolve(openFolder(name)) : openStored(session, name);

export const digestOf = (text: string | Buffer): string =>
  `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** Throws ArtifactNotFound where there is neither a manifest nor a dump. */
export function openFolder(path: string): Artifact {
  const dir = resolve(path);
  const images = [join(dir, artifactFile.images), join(dir, 'checkpoint'), dir].find((d) =>
    existsSync(join(d, 'pstree.img')),
  );
  if (images === undefined)
    throw new TerminalError(
      'ArtifactNotFound',
      `${path} holds no dump: there is no pstree.img in it or in its criu folder`,
    );
  const files = new Map<string, Buffer>();
  for (const name of readdirSync(images).filter(isDescription)) {
    const file = join(images, name);
    if (statSync(file).isFile()) files.set(name, readFileSync(file));
  }
  const read = (name: string) =>
    [join(dir, name), join(dir, archiveFile.own, name)]
      .filter(existsSync)
      .map((file) => readFileSync(file))[0];
  return described(path, read, files);
}

/** Pages and tmpfs contents can be as large as the memory of the worker. */
const isDescription = (name: string): boolean => !/^pages-.*\.img$|\.tar\.gz\.img$/.test(name);

function described(name: string, read: (file: string) => Buffer | undefined, images: Images): Artifact {
  const text = read(artifactFile.manifest);
  const manifest = text === undefined ? undefined : parseManifest(text.toString());
  const rootfs = read(artifactFile.rootfsIndex);
  const pages = read(artifactFile.pagesIndex);
  if (manifest?.encryption !== undefined) throw encrypted(name);
  return {
    name,
    images,
    ...(manifest === undefined || text === undefined ? {} : { manifest, digest: digestOf(text) }),
    ...(rootfs === undefined ? {} : { rootfs: parseRootfsIndex(rootfs.toString()) }),
    ...(pages === undefined ? {} : { pages: parsePagesIndex(pages.toString()) }),
  };
}

const encrypted = (name: string): TerminalError =>
  new TerminalError(
    'ArtifactEncrypted',
    `${name} is encrypted: only agents have the key, so it cannot be looked into`,
  );

export interface Stored {
  readonly checkpoint: DynamoCheckpoint;
  readonly agent: AgentPod;
  /** In the agent's container. */
  readonly dir: string;
}

/** Where a Ready checkpoint's artifact lies. Throws CheckpointNotReady. */
export async function findStored(session: Session, name: string): Promise<Stored> {
  const checkpoint = await session.cluster.checkpoint(session.namespace, name);
  const { status, metadata } = checkpoint;
  if (status?.phase !== 'Ready' || status.artifact === undefined || status.identityHash === undefined)
    throw new TerminalError(
      'CheckpointNotReady',
      `checkpoint ${name} is ${status?.phase ?? 'Pending'}, not Ready: it has no artifact${status?.message ? ` (${status.message})` : ''}`,
    );
  const agent = await anyAgent(session);
  const path = artifactPath({
    namespace: metadata.namespace,
    identityHash: status.identityHash,
    uid: status.artifact.uid,
  });
  return { checkpoint, agent, dir: `${agent.store}/${path}` };
}

async function openStored(session: Session, name: string): Promise<Artifact> {
  const { agent, dir } = await findStored(session, name);
  const files = await readTar(session, execArgs(agent, describingTar(dir)));
  const images = new Map(
    [...files]
      .filter(([path]) => path.startsWith(`${artifactFile.images}/`))
      .map(([path, content]) => [basename(path), content]),
  );
  return described(name, (file) => files.get(file), images);
}

/** Files of a tar that kubectl prints, by path. */
async function readTar(session: Session, args: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
  const { stdout, stdin, ended } = session.kubectl(args);
  stdin.end();
  const files = new Map<string, Buffer>();
  const tar = extract();
  const read = (async () => {
    for await (const entry of tar)
      if (entry.header.type === 'file')
        files.set(entry.header.name.replace(/^\.\//, ''), await buffer(entry));
      else entry.resume();
  })();
  const [end] = await Promise.all([ended, pipeline(stdout, tar), read]);
  if (end.code !== 0)
    throw new Error(`kubectl ${args.slice(0, 4).join(' ')}: ${end.stderr || `exit ${end.code}`}`);
  return files;
}
