/** An artifact made by hand whose memory lies in every place where it can: page files of CRIU, shards, and, of zeros, nowhere. */
import { createHash } from 'node:crypto';
import { blake3 } from '@napi-rs/blake-hash';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { PagesIndex } from '@dynamo-snapshot/api/pages';
import { encode } from '../../src/images/codec';
import { manifestOf } from './artifact';

export const PAGE = 4096;
const BASE = 0x10000;
export const at = (page: number): number => BASE + page * PAGE;
export const pages = (...marks: readonly number[]): Buffer =>
  Buffer.concat(marks.map((mark) => Buffer.alloc(PAGE, mark)));

const PRIVATE = { prot: 3, flags: 0x22, status: 0x201, fd: -1, pgoff: 0, shmid: 0 };
const area = (from: number, to: number, more: object = {}) => ({
  ...PRIVATE,
  start: at(from),
  end: at(to),
  ...more,
});
const listed = (id: number, ...entries: readonly object[]) =>
  encode(
    [['pagemap_head', { pages_id: id }], ...entries.map((e) => ['pagemap_entry', e] as const)],
    0x56084025,
  );
const entry = (vaddr: number, nr_pages: number, flags = 4) => ({
  vaddr,
  compat_nr_pages: 0,
  flags,
  nr_pages,
});

/** Pages 0-7: anonymous, advised by us. 8-9: a segment. 10: a private file. 12-13: the last two pages of a memfd. 14: locked. */
const areas = [
  area(0, 8, { madv: 1 << 14 }),
  area(8, 10, { flags: 1, status: 0x101, shmid: 7 }),
  area(10, 11, { flags: 2, status: 0x41, shmid: 3 }),
  area(12, 14, { flags: 1, status: 0x4081, shmid: 5, pgoff: 2 * PAGE }),
  area(14, 15, { flags: 0x2022 }),
];

const images: Readonly<Record<string, Buffer>> = {
  'mm-1.img': encode([['mm_entry', { exe_file_id: 1, vmas: areas }]]),
  'files.img': encode([['file_entry', { type: 18, id: 5, memfd: { id: 5, inode_id: 2 } }]]),
  'memfd.img': encode([['memfd_inode_entry', { shmid: 9, inode_id: 2 }]]),
  'pagemap-1.img': listed(1, entry(at(1), 1, 6), entry(at(4), 2, 6)),
  'pagemap-shmem-7.img': listed(2),
  'pagemap-shmem-9.img': listed(3, entry(0, 1)),
  'pages-1.img': pages(1, 4, 5),
  'pages-2.img': pages(),
  'pages-3.img': pages(90),
  'pstree.img': encode([['pstree_entry', { pid: 1, ppid: 0, pgid: 1, sid: 1, threads: [1] }]]),
};

/** The first chunk goes on from one kind of memory into the next; the shards have them in another order than memory. */
const chunks = [
  { shard: 1, marks: [6, 7, 70, 71, 10], extents: [at(6), 5 * PAGE] },
  { shard: 0, marks: [92, 93, 14], extents: [at(12), 3 * PAGE] },
  { shard: 1, marks: [0x10, 2], extents: [at(0), PAGE, at(2), PAGE] },
];

export function makeSplitArtifact(dir: string, change: Partial<Manifest> = {}): void {
  for (const folder of ['criu', 'pages']) mkdirSync(join(dir, folder), { recursive: true });
  for (const [name, image] of Object.entries(images)) writeFileSync(join(dir, 'criu', name), image);
  const shards = [0, 1].map((shard) => {
    const content = pages(...chunks.filter((c) => c.shard === shard).flatMap((c) => c.marks));
    writeFileSync(join(dir, `pages/shard-${shard}`), content);
    return { path: `pages/shard-${shard}`, sizeBytes: content.length };
  });
  const ends = [0, 0];
  const index: PagesIndex = {
    version: 1,
    shards,
    chunks: chunks.map(({ shard, marks, extents }) => {
      const offset = ends[shard] ?? 0;
      ends[shard] = offset + marks.length * PAGE;
      return { pid: 1, shard, offset, digest: blake3(pages(...marks)).toString('hex'), extents };
    }),
    advised: [{ pid: 1, start: at(0), madv: 0 }],
  };
  writeFileSync(join(dir, 'pages/index.json'), JSON.stringify(index));
  const { files, dump, ...manifest } = manifestOf(dir, change);
  const named = files.filter(({ path }) => !path.startsWith('pages/shard-'));
  const split = { ...dump, pages: 'split', bulkBytes: 10 * PAGE, thinBytes: 4 * PAGE, zeroBytes: PAGE };
  const text = JSON.stringify({ ...manifest, files: named, dump: split });
  writeFileSync(join(dir, 'manifest.json'), text);
  const seal = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  writeFileSync(join(dir, 'seal.json'), JSON.stringify({ version: 1, manifest: seal }));
}
