/** Tars and indexes that nobody of us has made: whatever they hold, nothing outside of the root is touched, and nothing crashes. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile, PAX_OWNER, PAX_XATTR, volumeTar } from '@dynamo-snapshot/api/layout';
import { applyFiles } from '../src/rootfs';
import { manifest } from './manifest';

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'fuzz-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const part = fc.constantFrom('..', '.', '', 'a', 'b', 'out', 'loop', 'x'.repeat(300), 'nul\0', 'ü', '-rf');
const path = fc
  .tuple(fc.constantFrom('', '/', './', '//'), fc.array(part, { maxLength: 4 }))
  .map(([p, parts]) => p + parts.join('/'));
const entry = fc.record({
  name: path,
  type: fc.constantFrom(
    'file',
    'directory',
    'symlink',
    'link',
    'fifo',
    'contiguous-file',
    'character-device',
    undefined,
  ),
  linkname: fc.oneof(path, fc.constant('/agent'), fc.constant('../../agent/secret')),
  mode: fc.constantFrom(0, 0o644, 0o7777),
  content: fc.constantFrom('', 'text'),
  owner: fc.constantFrom('644 0 0', 'x y z', '', '777 4294967295 -1', '0'),
  devmajor: fc.constantFrom(0, 1, -1, 2 ** 31),
});
type Entry = typeof entry extends fc.Arbitrary<infer T> ? T : never;

async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, owner, type, ...header } of entries) {
    const pax = { [PAX_OWNER]: owner, [`${PAX_XATTR}user.note`]: '!' };
    const has = type === 'file' || type === undefined ? content : '';
    tar.entry({ ...header, ...(type === undefined ? {} : { type }), devminor: 3, pax }, has);
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A root with links that lead out of it, beside a folder that is not ours to touch. */
function arrange(): { readonly root: string; readonly artifact: string; readonly agent: string } {
  const at = { root: join(dir, 'root'), artifact: join(dir, 'artifact'), agent: join(dir, 'agent') };
  rmSync(dir, { recursive: true, force: true });
  for (const folder of [at.root, join(at.root, 'a'), at.agent, join(at.artifact, artifactFile.volumes)])
    mkdirSync(folder, { recursive: true });
  writeFileSync(join(at.agent, 'secret'), 'of the agent', { mode: 0o600 });
  symlinkSync(at.agent, join(at.root, 'out'));
  symlinkSync('loop', join(at.root, 'loop'));
  return at;
}

async function applied(tar: Buffer, index: string, mountPath: string): Promise<void> {
  const { root, artifact, agent } = arrange();
  writeFileSync(join(artifact, artifactFile.rootfsTar), tar);
  writeFileSync(join(artifact, volumeTar(0)), tar);
  writeFileSync(join(artifact, artifactFile.rootfsIndex), index);
  const volumes = [{ name: 'v', mountPath, file: volumeTar(0) }];
  try {
    await applyFiles(artifact, root, manifest({ volumes }), () => {});
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
  }
  expect(readdirSync(dir).sort()).toEqual(['agent', 'artifact', 'root']);
  expect(readdirSync(agent)).toEqual(['secret']);
  expect(readFileSync(join(agent, 'secret'), 'utf8')).toBe('of the agent');
}

const empty = JSON.stringify({ deleted: [], opaque: [], entries: 0 });

describe('applyFiles', () => {
  it('stays in the root whatever the entries are named and linked to', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 4 }), path, async (entries, mountPath) =>
        applied(await tarOf(entries), empty, mountPath),
      ),
      { numRuns: 50 },
    );
  }, 120_000);

  it('stays in the root whatever is to be deleted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(path), fc.array(path), async (deleted, opaque) =>
        applied(await tarOf([]), JSON.stringify({ deleted, opaque, entries: 0 }), '/a'),
      ),
      { numRuns: 50 },
    );
  }, 120_000);

  it('refuses or reads bytes that are no tar, and sizes that are not there', async () => {
    const noise = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes));
    const liar = fc.constantFrom('77777777777', '00000001000', 'zzzzzzzzzzz', '-0000000001').map(lying);
    await fc.assert(
      fc.asyncProperty(fc.oneof(noise, liar), (tar) => applied(tar, empty, '/a')),
      { numRuns: 60 },
    );
  }, 120_000);
});

/** A header that promises so many bytes (octal), and 512 that follow. */
function lying(size: string): Buffer {
  const header = Buffer.alloc(1024);
  header.write('huge', 0);
  header.write('0000644\0', 100);
  header.write(`${size}\0`, 124);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  header.fill(' ', 148, 156);
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
