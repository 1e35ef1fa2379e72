/** An artifact made by hand around the images of the real dump. */
import { createHash } from 'node:crypto';
import { blake3 } from '@napi-rs/blake-hash';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { MANIFEST_VERSION } from '@dynamo-snapshot/api/manifest';
import { HASH, UID } from '../objects';

/** What its source was woken with. */
export const wake: NonNullable<Manifest['dump']['wake']> = [{ http: { port: 8000, path: '/resume' } }];

export function makeArtifact(dir: string, change: Partial<Manifest> = {}): Manifest {
  mkdirSync(join(dir, 'volumes'), { recursive: true });
  cpSync(join(__dirname, '../images/worker'), join(dir, 'criu'), { recursive: true });
  writeFileSync(join(dir, 'criu/pages-1.img'), Buffer.alloc(300_000, 7));
  writeFileSync(join(dir, 'criu/dump.log'), 'Dumping finished successfully\n');
  writeFileSync(join(dir, 'rootfs.tar'), Buffer.alloc(10_240));
  writeFileSync(join(dir, 'rootfs.json'), JSON.stringify({ deleted: ['etc/motd'], opaque: [], entries: 1 }));
  writeFileSync(join(dir, 'volumes/0.tar'), Buffer.alloc(1024));
  const manifest = manifestOf(dir, change);
  const text = `${JSON.stringify(manifest, undefined, 1)}\n`;
  writeFileSync(join(dir, 'manifest.json'), text);
  const sealed = createHash('sha256').update(text).digest('hex');
  writeFileSync(join(dir, 'seal.json'), JSON.stringify({ version: 1, manifest: `sha256:${sealed}` }));
  return manifest;
}

export function manifestOf(dir: string, change: Partial<Manifest> = {}): Manifest {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name))
    .map((file) => ({
      path: file.slice(dir.length + 1),
      sizeBytes: statSync(file).size,
      digests: statSync(file).size === 0 ? [] : [blake3(readFileSync(file)).toString('hex')],
    }));
  return {
    version: MANIFEST_VERSION,
    createdAt: '2026-11-28T11:57:30.000Z',
    artifact: { namespace: 'default', identityHash: HASH, uid: UID, checkpoint: 'qwen3' },
    source: { nodeName: 'node-a', architecture: 'x64', kernel: '6.18.1', criuVersion: '4.2.1' },
    container: {
      id: 'c'.repeat(64),
      name: 'main',
      podName: 'worker-0',
      podUid: UID,
      image: 'docker.io/example/worker:1',
      imageDigest: `sha256:${'b'.repeat(64)}`,
      command: ['python3', 'serve.py'],
    },
    process: {
      count: 5,
      stdio: ['/dev/null', 'pipe:[1]', 'pipe:[2]'],
      memoryBytes: 344_064,
      tree: { processes: [], limits: [] },
    },
    dump: {
      externalMounts: ['/etc/hosts', '/data'],
      joinedNamespaces: ['uts', 'ipc'],
      pausedSeconds: 0.035,
      pages: 'criu',
      wake,
    },
    volumes: [{ name: 'data', mountPath: '/data', file: 'volumes/0.tar' }],
    files,
    sizeBytes: files.reduce((sum, f) => sum + f.sizeBytes, 0),
    ...change,
  } as Manifest;
}
