import type { PagesChunk } from '@dynamo-snapshot/api/pages';
import type { Area } from '../../src/criu/mm';
import { planGate } from '../../src/gate/plan';

const MIB = 2 ** 20;
const START = 0x7f00_0000_0000;

/** Chunks of 4 MiB at these addresses, each of one process. */
const chunk = (address: number, pid = 7, length = 4 * MIB): PagesChunk => ({
  ...{ pid, shard: 0, offset: 0, digest: '0'.repeat(64) },
  extents: [address, length],
});
const chunks = (from: number, count: number, pid = 7): PagesChunk[] =>
  Array.from({ length: count }, (_, i) => chunk(from + i * 4 * MIB, pid));
const area = (start: number, end: number, more: Partial<Area> = {}): Area => ({
  ...{ start, end, kind: 'private', writable: true, mayHaveHugePages: true },
  ...more,
});
const wanted = (mib: number, start = START, pid = 7) => ({ pid, start, end: start + mib * MIB });

describe('planGate', () => {
  const all = chunks(START, 25);
  const whole = () => [area(START, START + 100 * MIB)];

  it('puts the whole area behind the gate, and leaves the rest', () => {
    const other = chunk(0x1000);
    const plan = planGate([wanted(100)], { chunks: [other, ...all] }, whole);
    expect(plan?.areas).toEqual([{ ...wanted(100), offset: 0 }]);
    expect(plan?.gated.map((g) => g.chunk)).toEqual(all);
    expect(plan?.rest).toEqual([other]);
    expect(plan?.fileBytes).toBe(100 * MIB);
  });

  it('goes by the address, whatever the order in the shards', () => {
    const plan = planGate([wanted(100)], { chunks: [...all].reverse() }, whole);
    expect(plan?.gated.map((g) => g.chunk)).toEqual(all);
  });

  it('opens everything once, from the first byte to the last', () => {
    const plan = planGate([wanted(100)], { chunks: all }, whole);
    const opens = plan?.gated.map((g) => g.opens) ?? [];
    expect(opens[0]?.from).toBe(START);
    expect(opens.at(-1)?.to).toBe(START + 100 * MIB);
    opens.slice(1).forEach((range, i) => expect(range.from).toBe(opens[i]?.to));
  });

  it('opens up to the next chunk, where pages of zeros lie between, but no part of a huge page', () => {
    const odd = [...all.slice(0, 20), chunk(START + 84 * MIB + 4096, 7, MIB)];
    const plan = planGate([wanted(100)], { chunks: odd }, whole);
    expect(plan?.gated.at(-2)?.opens.to).toBe(START + 84 * MIB);
    expect(plan?.gated.at(-1)?.opens).toEqual({ from: START + 84 * MIB, to: START + 100 * MIB });
  });

  it('leaves many zeros in a row outside, by whole huge pages', () => {
    const odd = START + 4096;
    const used = [
      ...chunks(odd + 32 * MIB, 1),
      ...chunks(START + 64 * MIB, 20),
      ...chunks(odd + 232 * MIB, 1),
    ];
    const plan = planGate([wanted(320)], { chunks: used }, () => [area(START, START + 320 * MIB)]);
    expect(plan?.areas).toEqual([
      { pid: 7, start: START + 32 * MIB, end: START + 144 * MIB, offset: 0 },
      { pid: 7, start: START + 232 * MIB, end: START + 238 * MIB, offset: 112 * MIB },
    ]);
    expect(plan?.gated.map(({ opens }) => opens.to - START).slice(-2)).toEqual([144 * MIB, 238 * MIB]);
    expect(plan?.rest).toEqual([]);
  });

  it.each([
    ['at the begin', 31, 0],
    ['at the end', 0, 31],
  ])('has fewer zeros %s behind the gate too', (_, before, after) => {
    const own = chunks(START + before * MIB, 25);
    const end = START + (before + 100 + after) * MIB;
    const plan = planGate([wanted(before + 100 + after)], { chunks: own }, () => [area(START, end)]);
    expect(plan?.areas).toEqual([{ pid: 7, start: START, end, offset: 0 }]);
  });

  it('lies in the file as it lies in huge pages', () => {
    const start = START + 12_288;
    const moved = chunks(start, 25);
    const other = chunks(START + 1024 * MIB, 25, 9);
    const plan = planGate(
      [wanted(100, start), wanted(100, START + 1024 * MIB, 9)],
      { chunks: [...moved, ...other] },
      (pid) => [pid === 7 ? area(start, start + 100 * MIB) : area(START + 1024 * MIB, START + 1124 * MIB)],
    );
    expect(plan?.areas.map(({ offset }) => offset)).toEqual([12_288, 102 * MIB]);
    for (const { start: from, offset } of plan?.areas ?? []) expect((from - offset) % (2 * MIB)).toBe(0);
  });

  it('leaves outside what a chunk shares with a neighbour', () => {
    const before = { ...chunk(START - MIB), extents: [START - MIB, MIB, START, 2 * MIB] };
    const after = { ...chunk(START), extents: [START + 98 * MIB, 2 * MIB, START + 100 * MIB, MIB] };
    const own = chunks(START + 2 * MIB, 24);
    const plan = planGate([wanted(100)], { chunks: [before, ...own, after] }, whole);
    expect(plan?.areas).toEqual([{ pid: 7, start: START + 2 * MIB, end: START + 98 * MIB, offset: 0 }]);
    expect(plan?.rest).toEqual([before, after]);
  });

  it('has nothing to do with an area that a chunk of others lies in the middle of', () => {
    const mixed = { ...chunk(START), extents: [START + 40 * MIB, MIB, START + 200 * MIB, MIB] };
    const own = all.filter(({ extents: [address = 0] }) => address !== START + 40 * MIB);
    expect(planGate([wanted(100)], { chunks: [...own, mixed] }, whole)).toBeUndefined();
  });

  it.each<[string, readonly Area[]]>([
    ['is not there', []],
    ['is part of a shared segment', [area(START, START + 100 * MIB, { kind: 'shared' })]],
    ['cannot be written to', [area(START, START + 100 * MIB, { writable: false })]],
    ['is larger than what CRIU has', [area(START + 4096, START + 100 * MIB)]],
  ])('leaves an area alone that %s', (_, areas) => {
    expect(planGate([wanted(100)], { chunks: all }, () => areas)).toBeUndefined();
  });

  it('makes no gate for little, and none for nothing', () => {
    expect(planGate([wanted(60)], { chunks: chunks(START, 15) }, whole)).toBeUndefined();
    expect(planGate([], { chunks: all }, whole)).toBeUndefined();
  });
});
