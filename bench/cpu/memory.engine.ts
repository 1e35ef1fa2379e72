import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PagesIndex } from '@dynamo-snapshot/api/pages';
import { ensureCriu } from './criu';
import { Ours } from './ours';
import { Tree } from './tree';

const MIB = 24;

let dir: string;
let shim: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'memory-engine-'));
  shim = join(dir, 'rlimit-shim.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', shim, 'node-agent/native/rlimit-shim.c']);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe.each(['varied.c', 'tree.c'])('the memory of %s', (source) => {
  let tree: Tree;
  let before: string;
  beforeAll(async () => {
    tree = new Tree(dir, source);
    await tree.start(MIB);
    before = await tree.checksums();
  });
  afterAll(async () => {
    await tree.end();
    tree.close();
  });

  const index = (): PagesIndex =>
    JSON.parse(readFileSync(join(dir, 'ours/artifact/pages/index.json'), 'utf8')) as PagesIndex;

  it.each(['memory', 'direct'] as const)(
    'is the same after a capture (%s) and a restore, twice',
    async (staging) => {
      const ours = new Ours(dir, ensureCriu(), shim, staging);
      for (let i = 0; i < 2; i += 1) {
        if (tree.root === undefined) throw new Error('there is no tree');
        await ours.capture(tree.root, tree.freezer);
        expect(await tree.checksums()).toBe(before);
        await tree.end();
        const { root } = await ours.restore();
        tree.adopt(root);
        expect(await tree.checksums()).toBe(before);
      }
    },
  );

  it('is in the shards for the larger part, and no page file is a link any more', () => {
    const bulk = index().shards.reduce((sum, shard) => sum + shard.sizeBytes, 0);
    expect(bulk).toBeGreaterThan((MIB << 20) / 2);
    const images = join(dir, 'ours/artifact/criu');
    const links = readdirSync(images, { withFileTypes: true }).filter((entry) => entry.isSymbolicLink());
    expect(links).toEqual([]);
    expect(existsSync(join(images, 'inventory.img'))).toBe(true);
  });
});
