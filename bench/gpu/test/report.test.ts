import { fractions } from '../fractions';
import { median } from '../medians';
import { bars, plot } from '../plot';
import { table } from '../table';
import type { CaseResult } from '../run';
import { withTokens } from '../vllm/case';

const timings = (criu: number, gpuRestore: number) => [
  { step: 'criu', seconds: criu },
  { step: 'gpuRestore', seconds: gpuRestore },
  { step: 'total', seconds: criu + gpuRestore },
];
const cycle = (path: 'stock' | 'ours' | 'ours-job', criu: number, same = true) => ({
  path,
  round: 1,
  capture: timings(criu, 2),
  restore: timings(criu, 1),
  firstRoundSeconds: 0.1,
  same,
});
const result = (cycles: ReturnType<typeof cycle>[]): CaseResult => ({
  name: 'alloc-8',
  ended: 'done',
  seconds: 9,
  result: { name: 'alloc-8', gpuBytes: 8e9, coldSeconds: 1, cycles, faults: [] },
});

it.each([
  ['of an odd number', [3, 1, 2], 2],
  ['of an even number', [4, 1, 2, 3], 2.5],
  ['of nothing', [], 0],
])('the median %s', (_, values, expected) => expect(median(values)).toBe(expected));

it('gives the ratio of the medians, and says when memory is not the same', () => {
  const text = table([
    result([cycle('stock', 9), cycle('stock', 11), cycle('ours', 1), cycle('ours', 1, false)]),
  ]);
  expect(text).toContain(
    '| alloc-8 | 8.0 | stock | 2 | 1.0 | 12.00 (12.00; 12.00) | 11.00 |  | yes | criu 10.00, gpuRestore 2.00 | criu 10.00, gpuRestore 1.00 |',
  );
  expect(text).toContain(
    '| alloc-8 | 8.0 | ours | 2 | 1.0 | 3.00 (3.00; 3.00) | 2.00 | 4.00, 5.50 | NO | criu 1.00, gpuRestore 2.00 | criu 1.00, gpuRestore 1.00 |',
  );
});

it('takes off of a capture what giving the source back takes beyond the storing beside it', () => {
  const steps = (gpuResume: number, store: number, rest: number) => ({
    ...cycle('ours', 1),
    capture: [
      { step: 'store', seconds: store },
      { step: 'gpuResume', seconds: gpuResume },
      { step: 'total', seconds: rest + Math.max(gpuResume, store) },
    ],
  });
  // 9 + 1, 10 + 2 and 11 + 5: of each round, not of the medians of the steps.
  expect(table([result([steps(4, 1, 9), steps(6, 2, 10), steps(2, 5, 11)])])).toContain(
    '16.00 (16.00; 12.00)',
  );
});

it('holds a source that is not wanted any more against a stock capture that does not give it back', () => {
  const capture = [
    { step: 'gpuResume', seconds: 5 },
    { step: 'total', seconds: 20 },
  ];
  const text = table([result([{ ...cycle('stock', 9), capture }, cycle('ours-job', 1)])]);
  expect(text).toContain(
    '| alloc-8 | 8.0 | ours-job | 1 | 1.0 | 3.00 (3.00; 3.00) | 2.00 | 5.00, 5.00 | yes |',
  );
  expect(text).not.toContain('| ours |');
});

it('tells both cold starts of a server', () => {
  const server = result([cycle('stock', 9), cycle('ours', 1)]);
  const both = { ...server, result: { ...(server.result as object), coldSeconds: 50, coldEmptySeconds: 98 } };
  expect(table([both])).toContain('| ours | 1 | 50.0 (nothing compiled: 98.0) |');
});

it('tells what is known of a case that was broken off before its first cycle', () =>
  expect(table([{ ...result([]), ended: 'late' }])).toContain('- alloc-8: late, {"name":"alloc-8"'));

it('counts the answer of a server as a part of its restore', () => {
  const timed = withTokens(timings(2, 1), 0.5);
  expect(timed.find(({ step }) => step === 'total')).toEqual({ step: 'total', seconds: 3.5 });
  expect(timed.at(-2)).toEqual({ step: 'tokens', seconds: 0.5 });
});

it('lists what is no cycle as it is', () => {
  expect(table([{ name: 'limits', ended: 'done', seconds: 1, result: { memcpyGBs: 3 } }])).toContain(
    '- limits: done, {"memcpyGBs":3}',
  );
});

it('plots a bar for each half and path, as long as its seconds', () => {
  const all = bars([result([cycle('stock', 10), cycle('ours', 1)])]);
  expect(all.map((bar) => bar.label)).toEqual([
    'alloc-8 capture, stock',
    'alloc-8 capture, ours',
    'alloc-8 restore, stock',
    'alloc-8 restore, ours',
  ]);
  expect(plot(all)).toContain('>12.00 s</text>');
});

describe('the fractions', () => {
  const limits = { memcpyGBs: 40, fillHugePagesGBs: 20, pinnedToDeviceGBs: 50, pinnedToHostGBs: 50 };
  const measured: CaseResult = { name: 'limits', ended: 'done', seconds: 20, result: limits };
  const both = result([cycle('stock', 7), cycle('ours', 1), cycle('ours', 3)]);

  it('are of the limits that the same run has measured', () => {
    const text = fractions([measured, both]);
    expect(text).toContain('| alloc-8 | stock |  |  | 8.0, 16 % | 1.0, 5 % |');
    expect(text).toContain('| alloc-8 | ours |  |  | 8.0, 16 % | 2.7, 13 % |');
  });

  it.each([
    ['limits', [both]],
    ['cases', [measured]],
    ['what the limits are', [{ ...measured, result: { memcpyGBs: 40 } }, both]],
  ])('say nothing without %s', (_, results) => expect(fractions(results)).toBe(''));
});
