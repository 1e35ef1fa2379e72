/** The manifest of a small artifact whose only file is rootfs.tar with an x in it. */
import { blake3 } from '@napi-rs/blake-hash';
import type { Manifest } from '@dynamo-snapshot/api/manifest';

export const manifestOf = (artifact: Manifest['artifact'], id: string): Manifest => ({
  version: 2,
  createdAt: '2026-01-01T00:00:00Z',
  artifact,
  source: { nodeName: 'node', architecture: 'x64', kernel: '6', criuVersion: '4' },
  container: { id, name: 'm', podName: 'p', podUid: 'u', image: 'i', imageDigest: 'd', command: [] },
  process: { count: 1, stdio: ['', '', ''], memoryBytes: 1, tree: { processes: [], limits: [] } },
  dump: { externalMounts: [], joinedNamespaces: [], pausedSeconds: 0.25, pages: 'criu' },
  volumes: [],
  files: [{ path: 'rootfs.tar', sizeBytes: 1, digests: [blake3(Buffer.from('x')).toString('hex')] }],
  sizeBytes: 7,
});
