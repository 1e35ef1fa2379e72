import { adviseAsBefore, adviseHugePages, mapRanges, readAreas } from '../../src/criu/mm';
import { mm } from './images';

const REGULAR = 1;
const PRIVATE = REGULAR | (1 << 9);
const SHARED = 1;
const NOHUGE = 1 << 15;

describe('readAreas', () => {
  it.each([
    ['heap and mappings', PRIVATE, 0x22, 'private'],
    ['the heap', PRIVATE | (1 << 5), 0x22, 'private'],
    ['private pages over a file', REGULAR | (1 << 6), 2, 'file'],
    ['a shared file', REGULAR | (1 << 7), SHARED, 'other'],
    ['anonymous shared memory', REGULAR | (1 << 8), SHARED | 0x20, 'shared'],
    ['a memfd', REGULAR | (1 << 7) | (1 << 14), SHARED, 'shared'],
    ['a memfd that is mapped privately', REGULAR | (1 << 6) | (1 << 14), 2, 'file'],
    ['SysV shared memory', REGULAR | (1 << 8) | (1 << 10), SHARED, 'other'],
    ['the stack', PRIVATE | (1 << 1), 0x122, 'other'],
    ['the vdso', PRIVATE | (1 << 3), 0x22, 'other'],
    ['a ring of asynchronous I/O', PRIVATE | (1 << 13), 0x22, 'other'],
    ['huge pages of hugetlbfs', PRIVATE, 0x40022, 'other'],
    ['what CRIU does not dump', 1 << 9, 0x22, 'other'],
  ])('knows %s', (_, status, flags, kind) => {
    expect(readAreas('mm-1.img', mm([{ start: 0x1000, pages: 1, status, flags }]))[0]?.kind).toBe(kind);
  });

  it('says what may be written and what may have huge pages', () => {
    const areas = readAreas(
      'mm-1.img',
      mm([
        { start: 0x1000, pages: 1 },
        { start: 0x2000, pages: 1, prot: 1 },
        { start: 0x3000, pages: 1, madv: NOHUGE },
        { start: 0x4000, pages: 1, madv: 2 ** 40 },
      ]),
    );
    expect(areas.map(({ writable, mayHaveHugePages }) => [writable, mayHaveHugePages])).toEqual([
      [true, true],
      [false, true],
      [true, false],
      [true, true],
    ]);
  });
});

describe('adviseHugePages', () => {
  const areas = [
    { start: 0x1000, pages: 1 },
    { start: 0x7fff_0000_0000, pages: 512, madv: 2 ** 40 },
  ];

  it('changes nothing but what it is asked for', () => {
    expect(adviseHugePages('m', mm(areas), new Set()).bytes).toEqual(mm(areas));
  });

  it('sets bit 14 beside the others, and says what was there', () => {
    const { bytes, before } = adviseHugePages('m', mm(areas), new Set(areas.map((a) => a.start)));
    expect(before).toEqual([
      { start: 0x1000, madv: 0 },
      { start: 0x7fff_0000_0000, madv: 2 ** 40 },
    ]);
    const again = adviseHugePages('m', bytes, new Set([0x1000, 0x7fff_0000_0000]));
    expect(again.before.map((b) => b.madv)).toEqual([1 << 14, 2 ** 40 + (1 << 14)]);
    expect(again.bytes).toEqual(bytes);
    // Fields that nobody here knows are still there: 4711 in each area, the head and the tail.
    expect(bytes.toString('latin1').split(Buffer.of(0xe7, 0x24).toString('latin1'))).toHaveLength(3);
    expect(bytes.includes('auxv')).toBe(true);
  });

  it('is taken back', () => {
    const { bytes, before } = adviseHugePages('m', mm(areas), new Set([0x7fff_0000_0000]));
    const [, area] = readAreas('m', adviseAsBefore('m', bytes, before));
    expect(area?.start).toBe(0x7fff_0000_0000);
    const again = adviseHugePages('m', adviseAsBefore('m', bytes, before), new Set([0x7fff_0000_0000]));
    expect(again.before).toEqual([{ start: 0x7fff_0000_0000, madv: 2 ** 40 }]);
  });
});

describe('mapRanges', () => {
  const image = mm([
    { start: 0x1000, pages: 1 },
    { start: 0x10_0000, pages: 16, madv: 1 << 14 },
    { start: 0x20_0000, pages: 4 },
  ]);
  const spans = (bytes: Buffer) => readAreas('m', bytes).map(({ start, end, kind }) => [start, end, kind]);

  it('makes a mapping of the file of a range, and leaves what lies around it', () => {
    const edited = mapRanges('m', image, [{ start: 0x10_2000, end: 0x10_e000, offset: 0x40_2000 }], 9);
    expect(spans(edited)).toEqual([
      [0x1000, 0x2000, 'private'],
      [0x10_0000, 0x10_2000, 'private'],
      [0x10_2000, 0x10_e000, 'file'],
      [0x10_e000, 0x11_0000, 'private'],
      [0x20_0000, 0x20_4000, 'private'],
    ]);
  });

  it('leaves no empty area where a range is all of one, and takes several of one', () => {
    const ranges = [
      { start: 0x10_8000, end: 0x11_0000, offset: 0 },
      { start: 0x10_0000, end: 0x10_8000, offset: 0x8000 },
      { start: 0x20_0000, end: 0x20_4000, offset: 0x1_0000 },
    ];
    expect(spans(mapRanges('m', image, ranges, 9)).map(([start, , kind]) => [start, kind])).toEqual([
      [0x1000, 'private'],
      [0x10_0000, 'file'],
      [0x10_8000, 'file'],
      [0x20_0000, 'file'],
    ]);
  });

  it('changes nothing without a range', () => {
    expect(mapRanges('m', image, [], 9)).toEqual(image);
  });
});
