import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { Pagemap } from '../../src/criu/pagemap';
import { closeAll, isNull, linkNullPages, readImages, writeThinPages } from '../../src/memory/images';

const MIB = 1 << 20;

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'images-'))));
afterEach(() => rmSync(dir, { recursive: true }));

const pagemap = (pagesId: number): Pagemap => ({
  name: `pagemap-${pagesId}.img`,
  pagesId,
  runs: [],
  bytes: Buffer.alloc(0),
});

it('has the lists, and knows whose pages went nowhere', async () => {
  linkNullPages(dir, 1);
  for (const name of ['pagemap-7.img', 'pagemap-shmem-3.img', 'mm-7.img', 'core-7.img', 'pages-2.img'])
    writeFileSync(join(dir, name), name);
  const images = await readImages(dir);
  expect([...images.lists.keys()].sort()).toEqual(['mm-7.img', 'pagemap-7.img', 'pagemap-shmem-3.img']);
  expect(images.lists.get('mm-7.img')?.toString()).toBe('mm-7.img');
  expect([1, 2].map((id) => isNull(images, pagemap(id)))).toEqual([true, false]);
});

it('the engine can let the source go while the store does not answer', async () => {
  const list = join(dir, 'pagemap-7.img');
  execFileSync('mkfifo', [list]);
  const answering = spawn('sh', ['-c', 'sleep 2; : > "$0"', list], { stdio: 'ignore' });
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 10);
  await readImages(dir);
  clearInterval(timer);
  answering.kill();
  expect(turns).toBeGreaterThan(20);
});

describe('a thin page file', () => {
  const memory = randomBytes(4 * MIB);
  let source: number;
  beforeEach(() => {
    linkNullPages(dir, 1);
    writeFileSync(join(dir, 'memory'), memory);
    source = openSync(join(dir, 'memory'), 'r');
  });
  afterEach(() => closeSync(source));

  it.each([
    ['few pages', [[4096, 4096]]],
    ['many runs', Array.from({ length: 300 }, (_, i) => [i * 8192, 4096])],
    [
      'more than is read at a time, beside less',
      [
        [0, 4096],
        [8192, 2 * MIB],
        [3 * MIB, MIB],
      ],
    ],
    ['exactly as much', [[0, MIB]]],
    ['nothing', []],
  ])('has the pages in their order: %s', async (_, pairs) => {
    const runs = pairs.map(([address = 0, length = 0]) => ({ address, length }));
    await closeAll([await writeThinPages(dir, pagemap(1), runs, source)]);
    const expected = Buffer.concat(runs.map(({ address: a, length }) => memory.subarray(a, a + length)));
    expect(readFileSync(join(dir, 'pages-1.img')).equals(expected)).toBe(true);
  });

  it('is none where a page cannot be read', async () => {
    const runs = [{ address: 4 * MIB - 4096, length: 8192 }];
    await expect(writeThinPages(dir, pagemap(1), runs, source)).rejects.toMatchObject({
      reason: 'SplitUnproven',
    });
  });
});
