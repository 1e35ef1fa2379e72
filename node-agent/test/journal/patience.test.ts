import { settleWithinMs } from '../../src/journal/patience';
import type { UndoStep } from '../../src/journal/step';

const resume = (limitMs: number): UndoStep => ({
  do: 'cudaResume',
  helper: ['/helper'],
  processes: [],
  limitMs,
});

it('gives the driver the time that it was given beforehand, beside what all else may take', () => {
  const none = settleWithinMs([]);
  expect(none).toBeGreaterThanOrEqual(150_000);
  expect(settleWithinMs([resume(380_000)])).toBe(none + 380_000);
  expect(settleWithinMs([{ do: 'remove', path: '/store/.staging-u' }])).toBe(none);
});

it('gives a published artifact the time to be read once more', () => {
  const extra = settleWithinMs([{ do: 'publish', path: '/store/u' }]) - settleWithinMs([]);
  // 100 GB at 50 MB/s.
  expect(extra).toBeGreaterThan(2_000_000);
});
