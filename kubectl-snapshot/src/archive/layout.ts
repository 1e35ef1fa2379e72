/**
 * What lies where in an exported archive; pure. It is the layout of `podman container checkpoint --export` and of the CRI's
 * CheckpointContainer, which checkpointctl reads, and `criu restore -D checkpoint` finds its images in it. What only we have lies below
 * `dynamo-snapshot/`.
 */
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest, RootfsIndex } from '@dynamo-snapshot/api/manifest';

export const archiveFile = {
  config: 'config.dump',
  spec: 'spec.dump',
  images: 'checkpoint',
  rootfs: 'rootfs-diff.tar',
  deleted: 'deleted.files',
  stats: 'stats-dump',
  log: 'dump.log',
  own: 'dynamo-snapshot',
} as const;

/** Path in the archive of a file of an artifact. */
export function toArchive(path: string): string {
  if (path === artifactFile.rootfsTar) return archiveFile.rootfs;
  if (path.startsWith(`${artifactFile.images}/`))
    return archiveFile.images + path.slice(artifactFile.images.length);
  return `${archiveFile.own}/${path}`;
}

/** And back; undefined for what is in the archive for other readers alone. */
export function fromArchive(path: string): string | undefined {
  if (path === archiveFile.rootfs) return artifactFile.rootfsTar;
  const [folder, ...rest] = path.split('/');
  if (rest.length === 0 || rest.some((part) => part === '' || part === '.' || part === '..'))
    return undefined;
  if (folder === archiveFile.images) return [artifactFile.images, ...rest].join('/');
  return folder === archiveFile.own ? rest.join('/') : undefined;
}

export interface Described {
  readonly manifest: Manifest;
  readonly rootfs: RootfsIndex | undefined;
}

/** The files that other readers look for, by path. */
export function descriptions({ manifest, rootfs }: Described): Readonly<Record<string, string>> {
  return {
    [archiveFile.config]: JSON.stringify(config(manifest), undefined, 2),
    [archiveFile.spec]: JSON.stringify(runtimeSpec(manifest), undefined, 2),
    [archiveFile.deleted]: JSON.stringify(rootfs?.deleted ?? []),
  };
}

/** checkpointctl: lib/metadata.go, ContainerConfig */
const config = ({ container, createdAt }: Manifest): object => ({
  id: container.id,
  name: container.name,
  rootfsImage: container.imageDigest,
  rootfsImageRef: container.imageDigest,
  rootfsImageName: container.image,
  runtime: 'runc',
  createdTime: createdAt,
  checkpointedTime: createdAt,
  restoredTime: '0001-01-01T00:00:00Z',
  restored: false,
});

/** As containerd annotates a container of a pod; readers take the names from there. */
const runtimeSpec = ({ container, artifact, dump }: Manifest): object => ({
  ociVersion: '1.1.0',
  process: { args: container.command, cwd: '/' },
  root: { path: 'rootfs' },
  hostname: container.hostname ?? container.podName,
  mounts: dump.externalMounts.map((destination) => ({ destination, type: 'bind', source: destination })),
  annotations: {
    'io.kubernetes.cri.container-type': 'container',
    'io.kubernetes.cri.container-name': container.name,
    'io.kubernetes.cri.image-name': container.image,
    'io.kubernetes.cri.sandbox-name': container.podName,
    'io.kubernetes.cri.sandbox-namespace': artifact.namespace,
    'io.kubernetes.cri.sandbox-uid': container.podUid,
  },
});
