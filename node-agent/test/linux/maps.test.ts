import { parseMaps, without } from '../../src/linux/maps';

const TEXT = `
55d0c0e00000-55d0c0e02000 r-xp 00002000 08:01 131 /usr/bin/sleep
7f3a10000000-7f3a10021000 rw-p 00000000 00:00 0 
7f3a20000000-7f3a20100000 rw-s 00001000 00:01 77                         /memfd:x (deleted)
7f3a30000000-7f3a30021000 rw-p 00000000 00:00 0                          [anon:of its own]
`.trim();

const [code, heap, segment, arena] = parseMaps(TEXT);

it('tells of each area what may be done with it, and what lies behind it', () => {
  const none = { offset: 0, inode: 0, named: false };
  expect(code).toMatchObject({
    writable: false,
    executable: true,
    shared: false,
    offset: 0x2000,
    inode: 131,
    named: true,
  });
  expect(heap).toMatchObject({ writable: true, executable: false, shared: false, ...none });
  expect(segment).toMatchObject({ writable: true, shared: true, offset: 0x1000, inode: 77 });
  expect(arena).toMatchObject({ writable: true, inode: 0, named: true });
});

const area = (start: number, end: number) => ({
  ...{ start, end, shared: false, writable: true, executable: false, offset: 0, inode: 0, named: false },
});
const spans = (areas: readonly { start: number; end: number }[]) => areas.map((a) => [a.start, a.end]);

it.each([
  ['all of an area that is new', [area(1, 5)], [area(7, 9)], [[1, 5]]],
  ['nothing of one that was there', [area(1, 5)], [area(1, 5)], []],
  ['what an area has grown by, at both ends', [area(1, 9)], [area(3, 5)], [[1, 3], [5, 9]]], // prettier-ignore
  ['what lies between several', [area(0, 9)], [area(1, 2), area(4, 6)], [[0, 1], [2, 4], [6, 9]]], // prettier-ignore
  ['an area that only touches another', [area(5, 9)], [area(1, 5)], [[5, 9]]],
])('leaves %s', (_, now, before, left) => expect(spans(without(now, before))).toEqual(left));
