import {
  appendFileSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import { Pool } from '../../src/memory/pool';
import type { Region } from '../../src/linux/memory';
import { allocate, release, viewOf } from '../../src/linux/memory';
import type { Keys } from '../../src/store/keys';
import type { Made } from './artifact';
import { makeArtifact, NO_KEYS, openAll } from './artifact';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const ringKey = { id: '2026', key: randomBytes(32) };
const protectedBy: Keys = {
  trusted: [publicKey],
  required: true,
  signing: privateKey,
  ring: [ringKey],
  current: ringKey,
};

let pool: Pool;
let target: Region;
beforeAll(() => {
  pool = new Pool(2);
  target = allocate(16 << 20, false);
});
afterAll(async () => {
  await pool.close();
  release(target);
});

let made: Made;
const use = (keys: Keys) => {
  beforeAll(async () => {
    made = await makeArtifact(pool, keys);
  }, 60_000);
  afterAll(() => made.clean());
};

/** What a restore says; empty where it would go on. */
async function refusal(keys: Keys): Promise<string> {
  try {
    return (await openAll(made, target, pool, keys)).join('; ');
  } catch (error) {
    // Anything but a TerminalError would be tried again.
    expect(error).toBeInstanceOf(TerminalError);
    return explain(error);
  }
}

const files = (): readonly string[] =>
  readdirSync(made.dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(made.dir.length + 1))
    .sort();

/** Does the same again to take it back. */
function change(file: string, at: number, flip: number): void {
  const fd = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, at);
  writeSync(fd, Buffer.of((byte[0] ?? 0) ^ flip), 0, 1, at);
  closeSync(fd);
}

/** mulberry32: the same changes in every run. */
function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe.each([
  ['as it is by default', NO_KEYS, 400],
  ['signed and encrypted', protectedBy, 100],
] as const)('an artifact %s', (_, keys, changes) => {
  use(keys);

  it('gives back every byte of memory, zeros included', async () => {
    viewOf(target.address, made.memory.length).fill(0);
    expect(await refusal(keys)).toBe('');
    const [is, was] = [target, made.memory].map((r) => viewOf(r.address, made.memory.length));
    expect(is?.equals(was as Buffer)).toBe(true);
  });

  it(`is refused after each of ${changes} single-byte changes over all files, with the file's name`, async () => {
    const random = seeded(2026);
    const candidates = files().filter((path) => statSync(join(made.dir, path)).size > 0);
    const accepted: string[] = [];
    for (let i = 0; i < changes; i += 1) {
      // Every file as often as any other: most bytes are of memory.
      const path = candidates[Math.floor(random() * candidates.length)] as string;
      const file = join(made.dir, path);
      const at = Math.floor(random() * statSync(file).size);
      const flip = 1 + Math.floor(random() * 255);
      change(file, at, flip);
      const said = await refusal(keys);
      if (!said.includes(path) && !(path === 'seal.json' && said !== ''))
        accepted.push(`${path} at ${at}: ${said}`);
      change(file, at, flip);
    }
    expect(accepted).toEqual([]);
    expect(await refusal(keys)).toBe('');
  }, 600_000);

  it.each<[string, string, (file: string) => void]>([
    ['a missing file', 'rootfs.tar', (file) => rmSync(file)],
    ['a missing shard', 'pages/shard-0', (file) => rmSync(file)],
    ['a shard that is cut off', 'pages/shard-0', (file) => truncateSync(file, 4096)],
    ['a byte more', 'rootfs.tar', (file) => appendFileSync(file, 'x')],
    ['a byte more in an empty file', 'criu/empty.img', (file) => appendFileSync(file, 'x')],
    ['a page more in a shard', 'pages/shard-1', (file) => appendFileSync(file, Buffer.alloc(4096))],
    ['a file that nobody knows', 'criu/inventory.img', (file) => writeFileSync(file, 'x')],
    ['a shard that nobody knows', 'pages/shard-7', (file) => writeFileSync(file, '')],
  ])('is refused with %s', async (__, path, harm) => {
    const file = join(made.dir, path);
    const before = files().includes(path) ? readFileSync(file) : undefined;
    harm(file);
    expect(await refusal(keys)).toContain(path);
    if (before === undefined) rmSync(file);
    else writeFileSync(file, before);
  });

  it('is refused when two shards change places', async () => {
    const [a, b, c] = ['pages/shard-0', 'pages/shard-1', 'pages/x'].map((path) => join(made.dir, path));
    const swap = () => {
      renameSync(a as string, c as string);
      renameSync(b as string, a as string);
      renameSync(c as string, b as string);
    };
    swap();
    expect(await refusal(keys)).toContain('pages/shard-');
    swap();
  });
});

describe('an artifact that is signed and encrypted', () => {
  use(protectedBy);

  it.each<[string, Keys, RegExp]>([
    ['without the key', { ...protectedBy, ring: [] }, /key 2026, which is not on the ring/],
    [
      'with another key of that name',
      { ...protectedBy, ring: [{ id: '2026', key: randomBytes(32) }] },
      /does not open/,
    ],
    [
      'by who trusts another signer',
      { ...protectedBy, trusted: [generateKeyPairSync('ed25519').publicKey] },
      /not trusted/,
    ],
  ])('is not opened %s', async (_, keys, why) => {
    expect(await refusal(keys)).toMatch(why);
  });

  it('is opened after a rotation, while the old key is on the ring', async () => {
    const next = { id: '2027', key: randomBytes(32) };
    expect(await refusal({ ...protectedBy, ring: [next, ringKey], current: next })).toBe('');
  });

  it('has none of the memory in its files as it was', () => {
    const secret = viewOf(made.memory.address, 64);
    for (const path of files()) expect(readFileSync(join(made.dir, path)).includes(secret)).toBe(false);
  });
});

describe('an artifact that nobody signed', () => {
  use(NO_KEYS);
  it('is refused where a signature is required', async () => {
    expect(await refusal({ ...NO_KEYS, required: true })).toMatch(/signed by nobody/);
  });
});
