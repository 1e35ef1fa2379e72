import { fields } from '../../src/criu/fields';
import { readImage } from '../../src/criu/image';
import { readPagemap, withRuns, withoutLazy } from '../../src/criu/pagemap';
import { image, message, pagemap } from './images';

const PRESENT = 4;
const LAZY = 2;
const PARENT = 1;

describe('readPagemap', () => {
  it('has the page file and the runs in bytes', () => {
    const bytes = pagemap(7, [
      [0x1000, 2, PRESENT],
      [0x7fff_ffff_0000, 3, PRESENT | LAZY],
    ]);
    expect(readPagemap('pagemap-1.img', bytes)).toMatchObject({
      pagesId: 7,
      runs: [
        { address: 0x1000, length: 0x2000 },
        { address: 0x7fff_ffff_0000, length: 0x3000 },
      ],
    });
  });

  it('counts pages in the older field too', () => {
    const entry = message([
      [1, 0x1000],
      [2, 5],
      [4, PRESENT],
    ]);
    expect(readPagemap('p', image([message([[1, 1]]), entry])).runs).toEqual([
      { address: 0x1000, length: 0x5000 },
    ]);
  });

  it.each<[string, Buffer]>([
    ['pages of a parent dump', pagemap(1, [[0x1000, 1, PRESENT | PARENT]])],
    ['pages that are not in the file', pagemap(1, [[0x1000, 1, LAZY]])],
    ['a flag that is not known', pagemap(1, [[0x1000, 1, PRESENT | 8]])],
    ['no pages', pagemap(1, [[0x1000, 0, PRESENT]])],
    ['an address within a page', pagemap(1, [[0x1001, 1, PRESENT]])],
    [
      'runs that overlap',
      pagemap(1, [
        [0x1000, 2, PRESENT],
        [0x2000, 1, PRESENT],
      ]),
    ],
    [
      'runs out of order',
      pagemap(1, [
        [0x9000, 1, PRESENT],
        [0x1000, 1, PRESENT],
      ]),
    ],
    ['no head', image([])],
    ['half a magic number', Buffer.from('magic')],
    ['half a message', pagemap(1, [[0x1000, 1, PRESENT]]).subarray(0, -3)],
    ['half a length', Buffer.concat([pagemap(1, []), Buffer.of(1, 0)])],
  ])('refuses %s: what its bytes are could not be told', (_, bytes) => {
    expect(() => readPagemap('pagemap-1.img', bytes)).toThrow(/pagemap-1\.img/);
  });
});

describe('withRuns', () => {
  const bytes = pagemap(3, [
    [0x1000, 4, PRESENT],
    [0x5000, 4, PRESENT | LAZY],
    [0x20000, 1, PRESENT],
  ]);
  const map = readPagemap('p', bytes);

  it('is the same image with the same runs', () => {
    expect(withRuns(map, map.runs)).toEqual(bytes);
  });

  it('keeps the flags of the run around', () => {
    const cut = [
      { address: 0x2000, length: 0x1000 },
      { address: 0x4000, length: 0x1000 },
      { address: 0x6000, length: 0x2000 },
    ];
    expect(withRuns(map, cut)).toEqual(
      pagemap(3, [
        [0x2000, 1, PRESENT],
        [0x4000, 1, PRESENT],
        [0x6000, 2, PRESENT | LAZY],
      ]),
    );
  });

  it('may have none', () => {
    expect(withRuns(map, [])).toEqual(pagemap(3, []));
  });

  it.each([
    ['between two', { address: 0x9000, length: 0x1000 }],
    ['across two', { address: 0x4000, length: 0x2000 }],
    ['before the first', { address: 0, length: 0x1000 }],
    ['after the last', { address: 0x40000, length: 0x1000 }],
  ])('refuses a run %s of the runs there are', (_, run) => {
    expect(() => withRuns(map, [run])).toThrow(/no run around/);
  });
});

describe('withoutLazy', () => {
  it('leaves no page for a page server, and everything else as it is', () => {
    const lazy = pagemap(3, [
      [0x1000, 2, 6],
      [0x8000, 1, 4],
    ]);
    const eager = withoutLazy('pagemap-1.img', lazy);
    expect(readPagemap('pagemap-1.img', eager).runs).toEqual(readPagemap('pagemap-1.img', lazy).runs);
    const FLAGS = 4;
    const flags = (bytes: Buffer) =>
      readImage('p', bytes)
        .messages.slice(1)
        .map((entry) =>
          fields(entry)
            .find(({ number }) => number === FLAGS)
            ?.raw.at(-1),
        );
    expect(flags(lazy)).toEqual([6, 4]);
    expect(flags(eager)).toEqual([4, 4]);
    expect(withoutLazy('pagemap-1.img', eager)).toEqual(eager);
  });
});
