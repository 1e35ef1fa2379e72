import type { PagesIndex } from '@dynamo-snapshot/api/pages';
import { adviseHugePages, readAreas } from '../../src/criu/mm';
import { editsOfAdvice } from '../../src/restore/images';
import { mm } from '../criu/images';

const MIB = 2 ** 20;
const NOHUGE = 1 << 15;
const START = 0x10_0000;

/** 8 MiB of process 7, whose area was advised when it was captured. */
const index: PagesIndex = {
  version: 1,
  shards: [{ path: 'pages/shard-0', sizeBytes: 8 * MIB }],
  chunks: [{ pid: 7, shard: 0, offset: 0, digest: '', extents: [START, 8 * MIB] }],
  advised: [{ pid: 7, start: START, madv: NOHUGE }],
};
const image = adviseHugePages('mm-7.img', mm([{ start: START, pages: 2048 }]), new Set([START])).bytes;
const content = new Map([['criu/mm-7.img', image]]);

it.each([
  ['where enough huge pages are free', false, 10 * MIB],
  ['of a worker with a GPU, in any case', true, 0],
])('leaves the advice %s', (_, hasGpu, free) =>
  expect(editsOfAdvice({ content, index }, hasGpu, free).size).toBe(0),
);

it('leaves images alone whose pages CRIU wrote', () => {
  expect(editsOfAdvice({ content }, false, 0).size).toBe(0);
});

it('takes it back where too few are free', () => {
  const edits = editsOfAdvice({ content, index }, false, 9 * MIB);
  expect([...edits.keys()]).toEqual(['criu/mm-7.img']);
  const [area] = readAreas('mm-7.img', edits.get('criu/mm-7.img') ?? Buffer.alloc(0));
  expect(area?.mayHaveHugePages).toBe(false);
});

it.each([
  [13 * MIB, [true, true]],
  [10 * MIB, [true, false]],
  [9 * MIB, [false, true]],
  [2 * MIB, [false, false]],
])('with %i bytes free, keeps it for the areas that fit, the largest first', (free, expected) => {
  const other = START + 64 * MIB;
  const image = mm([
    { start: START, pages: 2048 },
    { start: other, pages: 512 },
  ]);
  const advised = adviseHugePages('mm-7.img', image, new Set([START, other])).bytes;
  const two: PagesIndex = {
    ...index,
    chunks: [...index.chunks, { pid: 7, shard: 0, offset: 0, digest: '', extents: [other, 2 * MIB] }],
    advised: [START, other].map((start) => ({ pid: 7, start, madv: NOHUGE })),
  };
  const edits = editsOfAdvice({ content: new Map([['criu/mm-7.img', advised]]), index: two }, false, free);
  const areas = readAreas('mm-7.img', edits.get('criu/mm-7.img') ?? advised);
  expect(areas.map((area) => area.mayHaveHugePages)).toEqual(expected);
});

it('says which image is missing', () => {
  expect(() => editsOfAdvice({ content: new Map(), index }, false, 0)).toThrow('criu/mm-7.img is missing');
});
