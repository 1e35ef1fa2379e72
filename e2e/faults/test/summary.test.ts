import { countsOf, isClean, summary } from '../summary';
import { verdictOf } from '../table';

const ok = { broken: [], missed: 0, struck: true };
const anew = { broken: [], missed: 2, struck: true };
const broken = { broken: ['left over: x'], missed: 0, struck: true };
const never = { broken: [], missed: 5, struck: false };

describe('the end of a run', () => {
  it('counts a case that never struck neither as passed nor as failed', () => {
    const counts = countsOf([ok, anew, broken, never]);
    expect(counts).toEqual({ passed: 2, failed: 1, notStruck: 1, begunAnew: 2 });
    expect(summary(counts)).toBe(
      '2 cases were begun anew because the harness had missed its moment; 1 were not carried out',
    );
  });

  it.each([
    [[ok, anew], true],
    [[ok, broken], false],
    [[ok, never], false],
    [[], false],
  ])('%j: clean %s', (outcomes, clean) => expect(isClean(countsOf(outcomes))).toBe(clean));

  it('says of each case what it was', () => {
    expect([ok, anew, broken, never].map(verdictOf)).toEqual([
      'ok',
      'ok (begun anew, 2)',
      'BROKEN: left over: x',
      'NOT CARRIED OUT: missed 5 times',
    ]);
  });
});
