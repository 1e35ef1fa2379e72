import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFolder } from '../../src/artifact/open';
import { exitCode } from '../../src/exit';
import { decode, decodeAll, entriesOf } from '../../src/images/codec';
import { Stage } from '../stage';
import { makeArtifact } from './artifact';
import { at, makeSplitArtifact, PAGE, pages } from './split';

jest.setTimeout(60_000);
const dir = mkdtempSync(join(tmpdir(), 'snapshot-for-criu-'));
afterAll(() => rmSync(dir, { recursive: true }));
const stage = new Stage();
const path = (...parts: string[]) => join(dir, ...parts);
const content = (file: string) => readFileSync(path('out', file));

const list = (name: string) => {
  const [, ...entries] = entriesOf(name, content(`checkpoint/${name}`));
  return entries.map((entry) => {
    const { vaddr, nr_pages, compat_nr_pages, flags } = decode('pagemap_entry', name, entry);
    expect(compat_nr_pages).toBe(nr_pages);
    return [vaddr, nr_pages, flags];
  });
};

describe('an export for CRIU', () => {
  beforeAll(async () => {
    makeSplitArtifact(path('split'));
    const { code, err } = await stage.run(['export', '--criu', path('split'), path('a.tar')]);
    expect({ code, err }).toEqual({ code: exitCode.ok, err: '' });
    mkdirSync(path('out'));
    execFileSync('tar', ['-xf', path('a.tar'), '-C', path('out')]);
  });

  it('has every page of a process in the order of its addresses; a page of zeros is listed nowhere', () => {
    expect(list('pagemap-1.img')).toEqual([
      [at(0), 1, 6],
      [at(1), 1, 6],
      [at(2), 1, 6],
      [at(4), 2, 6],
      [at(6), 2, 6],
      [at(10), 1, 4],
      [at(14), 1, 4],
    ]);
    expect(content('checkpoint/pages-1.img').equals(pages(0x10, 1, 2, 4, 5, 6, 7, 10, 14))).toBe(true);
  });

  it('has the pages of a segment with the segment, by their place in it', () => {
    expect(list('pagemap-shmem-7.img')).toEqual([[0, 2, 4]]);
    expect(content('checkpoint/pages-2.img').equals(pages(70, 71))).toBe(true);
    expect(list('pagemap-shmem-9.img')).toEqual([
      [0, 1, 4],
      [2 * PAGE, 2, 4],
    ]);
    expect(content('checkpoint/pages-3.img').equals(pages(90, 92, 93))).toBe(true);
  });

  it('takes back the advice that a restore of ours wants', () => {
    const [mm] = decodeAll('mm_entry', 'mm-1.img', content('checkpoint/mm-1.img'));
    expect(mm?.vmas.map(({ madv }) => madv)).toEqual([undefined, undefined, undefined, undefined, undefined]);
    expect(mm?.vmas[3]).toMatchObject({ start: at(12), end: at(14), pgoff: 2 * PAGE, shmid: 5 });
  });

  it('has no shards, and is imported as an artifact that CRIU has dumped by itself', async () => {
    expect(existsSync(path('out/dynamo-snapshot/pages'))).toBe(false);
    expect(await stage.run(['import', path('a.tar'), '--dir', path('again')])).toMatchObject({
      code: exitCode.ok,
    });
    expect(await stage.run(['verify', path('again')])).toMatchObject({
      code: exitCode.ok,
      out: expect.stringContaining('intact'),
    });
    const { manifest, digest } = openFolder(path('again'));
    expect(manifest?.dump).toMatchObject({ pages: 'criu', why: expect.stringContaining('--criu') });
    expect(manifest?.dump).not.toHaveProperty('bulkBytes');
    const seal = JSON.parse(readFileSync(path('again/seal.json'), 'utf8')) as { manifest: string };
    expect(seal.manifest).toBe(digest);
  });
});

describe('no export for CRIU is left', () => {
  const refused = async (words: string) => {
    const { code, err } = await stage.run(['export', '--criu', path('bad'), path('bad.tar')]);
    expect({ code, err }).toEqual({ code: exitCode.failed, err: expect.stringContaining(words) });
    expect(existsSync(path('bad.tar')) || existsSync(path('bad.tar.part'))).toBe(false);
  };
  beforeEach(() => rmSync(path('bad'), { recursive: true, force: true }));
  const change = (file: string, edit: (text: string) => string) =>
    writeFileSync(path('bad', file), edit(readFileSync(path('bad', file), 'latin1')), 'latin1');

  it('of an encrypted artifact, whose key only agents have', async () => {
    const encryption = { cipher: 'aes-256-gcm', keyId: 'k1', wrappedKey: 'AAAA' } as const;
    makeSplitArtifact(path('bad'), { encryption });
    await refused('the artifact is encrypted with key k1');
  });

  it.each([
    ['a page of a shard', 'pages/shard-0', 'pages/shard-0 has another content'],
    ['a thin page', 'criu/pages-1.img', 'criu/pages-1.img has another content'],
    ['a list of pages', 'criu/pagemap-1.img', 'criu/pagemap-1.img has another content'],
    ['the index', 'pages/index.json', 'pages/index.json has another content'],
  ])('where %s was damaged', async (_, file, words) => {
    makeSplitArtifact(path('bad'));
    change(file, (text) => `${text.slice(0, -1)}\x7f`);
    await refused(words);
  });

  it.each(['criu/pages-3.img', 'pages/shard-1', 'pages/index.json', 'criu/pagemap-shmem-9.img'])(
    'where %s is missing',
    async (file) => {
      makeSplitArtifact(path('bad'));
      rmSync(path('bad', file));
      await refused('missing');
    },
  );
});

it('an artifact whose pages CRIU wrote is exported as it is', async () => {
  makeArtifact(path('whole'));
  expect(await stage.run(['export', '--criu', path('whole'), path('w.tar')])).toMatchObject({
    code: exitCode.ok,
  });
  const again = execFileSync('tar', ['xOf', path('w.tar'), 'dynamo-snapshot/manifest.json'], {
    encoding: 'utf8',
  });
  const { dump, files } = JSON.parse(again) as ReturnType<typeof makeArtifact>;
  const before = JSON.parse(readFileSync(path('whole/manifest.json'), 'utf8')) as ReturnType<
    typeof makeArtifact
  >;
  expect(dump).toEqual(before.dump);
  expect(files.map(({ path: name }) => name)).toEqual(before.files.map(({ path: name }) => name).sort());
});
