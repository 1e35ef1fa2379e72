import fc from 'fast-check';
import type { Area } from '../../src/criu/mm';
import { readPagemap } from '../../src/criu/pagemap';
import { cutChunks, CHUNK_BYTES } from '../../src/memory/chunks';
import type { Piece, TaskMemory } from '../../src/memory/plan';
import { planCopy } from '../../src/memory/plan';
import { pagemap } from '../criu/images';

const PAGE = 4096;
const at = (page: number) => page * PAGE;
const run = (page: number, pages: number) => ({ address: at(page), length: pages * PAGE });
const map = (...runs: readonly (readonly [number, number])[]) =>
  readPagemap(
    'pagemap-1.img',
    pagemap(
      1,
      runs.map(([page, pages]) => [at(page), pages, 4] as const),
    ),
  );

const area = (page: number, pages: number, over: Partial<Area> = {}): Area => ({
  start: at(page),
  end: at(page + pages),
  kind: 'private',
  writable: true,
  mayHaveHugePages: true,
  ...over,
});

const task = (over: Partial<TaskMemory>): TaskMemory => ({
  pid: 1,
  pagemap: map(),
  areas: [],
  inherited: [],
  ...over,
});

describe('planCopy of a task', () => {
  it.each<[string, Partial<TaskMemory>, readonly [number, number][], readonly [number, number][]]>([
    ['copies what is writable', { pagemap: map([1, 2]), areas: [area(1, 4)] }, [[1, 2]], []],
    [
      'leaves what cannot be written',
      { pagemap: map([1, 2]), areas: [area(1, 4, { writable: false })] },
      [],
      [[1, 2]],
    ],
    [
      'leaves the stack and the vdso',
      { pagemap: map([1, 2]), areas: [area(1, 4, { kind: 'other' })] },
      [],
      [[1, 2]],
    ],
    [
      'cuts a run at the borders of areas',
      { pagemap: map([1, 6]), areas: [area(1, 2), area(3, 2, { writable: false }), area(5, 9)] },
      [
        [1, 2],
        [5, 2],
      ],
      [[3, 2]],
    ],
    [
      'leaves pages that a fork shares, so that they stay shared',
      { pagemap: map([1, 6]), areas: [area(0, 10)], inherited: [run(2, 1), run(4, 9)] },
      [
        [1, 1],
        [3, 1],
      ],
      [
        [2, 1],
        [4, 3],
      ],
    ],
  ])('%s', (_, over, bulk, thin) => {
    const plan = planCopy([task(over)], []);
    expect(plan.bulk).toEqual(
      bulk.map(([page, pages]) => ({ pid: 1, ...run(page, pages), startsEmpty: true })),
    );
    expect(plan.thin[0]?.runs).toEqual(thin.map(([page, pages]) => run(page, pages)));
  });

  it('keeps pages of zeros where a file shines through', () => {
    const plan = planCopy([task({ pagemap: map([1, 1]), areas: [area(1, 1, { kind: 'file' })] })], []);
    expect(plan.bulk[0]?.startsEmpty).toBe(false);
  });

  it('refuses pages outside of every area', () => {
    const lost = task({ pagemap: map([1, 3]), areas: [area(1, 2)] });
    expect(() => planCopy([lost], [])).toThrow(/outside of every area/);
  });
});

describe('planCopy of a segment', () => {
  it('copies through whoever maps it writable, and leaves the rest', () => {
    const mappings = [
      { pid: 9, start: at(100), end: at(104), offset: at(2) },
      { pid: 5, start: at(50), end: at(53), offset: 0 },
      { pid: 7, start: at(70), end: at(71), offset: at(1) },
    ];
    const plan = planCopy([], [{ pagemap: map([0, 3], [4, 4]), mappings }]);
    expect(plan.bulk).toEqual([
      { pid: 5, ...run(50, 3), startsEmpty: true },
      { pid: 9, ...run(102, 2), startsEmpty: true },
    ]);
    expect(plan.thin[0]?.runs).toEqual([run(6, 2)]);
  });
});

/** Runs and areas at random: gaps and lengths in pages. */
const spans = fc
  .array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 2000 })), { maxLength: 30 })
  .map((list) => {
    let page = 1;
    return list.map(([gap, pages]) => {
      const from = page + gap;
      page = from + pages;
      return [from, pages] as const;
    });
  });

describe('whatever the layout', () => {
  it('every listed page is planned exactly once', () => {
    fc.assert(
      fc.property(
        spans,
        spans,
        fc.array(fc.boolean(), { minLength: 31, maxLength: 31 }),
        (runs, shared, writable) => {
          const areas = runs.map(([page, pages], i) => area(page, pages, { writable: writable[i] ?? true }));
          const inherited = shared.map(([page, pages]) => run(page, pages));
          const plan = planCopy([task({ pagemap: map(...runs), areas, inherited })], []);
          const pages = [...plan.bulk, ...(plan.thin[0]?.runs ?? [])].flatMap(({ address, length }) =>
            Array.from({ length: length / PAGE }, (_, i) => address / PAGE + i),
          );
          const listed = runs.flatMap(([page, count]) => Array.from({ length: count }, (_, i) => page + i));
          expect(pages.sort((a, b) => a - b)).toEqual(listed);
        },
      ),
    );
  });

  it('the chunks hold the pieces byte by byte, none too large, none across two huge pages of another chunk', () => {
    const pieces = spans.map((list) =>
      list.map(([page, pages], i): Piece => ({
        pid: i < 15 ? 1 : 2,
        ...run(page, pages),
        startsEmpty: i % 5 !== 0,
      })),
    );
    fc.assert(
      fc.property(pieces, (given) => {
        const chunks = cutChunks(given);
        const flat = chunks.flatMap((c) =>
          c.extents.map((e) => ({ pid: c.pid, startsEmpty: c.startsEmpty, ...e })),
        );
        const bytes = (list: readonly { length: number }[]) => list.reduce((sum, e) => sum + e.length, 0);
        expect(bytes(flat)).toBe(bytes(given));
        for (const chunk of chunks) {
          expect(chunk.bytes).toBe(bytes(chunk.extents));
          expect(chunk.bytes).toBeLessThanOrEqual(CHUNK_BYTES);
          expect(chunk.extents.length).toBeLessThanOrEqual(1024);
        }
        for (const piece of given)
          expect(
            bytes(
              flat.filter(
                (e) =>
                  e.pid === piece.pid &&
                  e.address < piece.address + piece.length &&
                  e.address + e.length > piece.address &&
                  e.startsEmpty === piece.startsEmpty,
              ),
            ),
          ).toBeGreaterThanOrEqual(piece.length);
      }),
    );
  });
});
