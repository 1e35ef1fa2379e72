import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { runs, sparseFile } from '../src/sparse';

const dir = mkdtempSync(join(tmpdir(), 'sparse-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
let files = 0;
const fresh = () => join(dir, String(files++));

/** In chunks of a size that no block is a multiple of. */
async function written(content: Buffer, chunk = 65_521): Promise<string> {
  const file = fresh();
  const chunks = Array.from({ length: Math.ceil(content.length / chunk) }, (_, i) =>
    content.subarray(i * chunk, (i + 1) * chunk),
  );
  await pipeline(Readable.from(chunks), sparseFile(file, 0o600));
  return file;
}

describe('a file without its zeros', () => {
  it('has the same content and size, and takes no room for its holes', async () => {
    const content = Buffer.alloc(32 << 20);
    content.write('begin');
    content.fill(1, 1_000_001, 1_200_003);
    content.write('last', 9_999_999);
    const file = await written(content);
    expect(readFileSync(file).equals(content)).toBe(true);
    expect(statSync(file).blocks * 512).toBeLessThan(1 << 20);
  });

  it.each([
    ['an empty one', Buffer.alloc(0)],
    ['zeros alone', Buffer.alloc(100_000)],
    ['a byte', Buffer.from('x')],
    ['no zeros', Buffer.alloc(100_000, 7)],
  ])('is right for %s', async (_, content) => {
    expect(readFileSync(await written(content, 4095)).equals(content)).toBe(true);
  });

  it('does not write through what is there', async () => {
    const file = fresh();
    writeFileSync(file, 'theirs');
    await expect(
      pipeline(Readable.from([Buffer.from('ours')]), sparseFile(file, 0o600)),
    ).rejects.toMatchObject({
      code: 'EEXIST',
    });
    expect(readFileSync(file, 'utf8')).toBe('theirs');
  });
});

describe('runs', () => {
  it('are cut at the blocks of the file, wherever the chunk begins, and joined', () => {
    const chunk = Buffer.alloc(3 * 4096);
    chunk[100] = 1;
    chunk[4096] = 1;
    expect(runs(chunk, 0)).toEqual([[0, 8192]]);
    expect(runs(chunk, 4000)).toEqual([[96, 4192]]);
    expect(runs(Buffer.alloc(10_000), 77)).toEqual([]);
  });
});
