import { rules } from '../faults';
import { planOf, possible, stepOf, steps } from '../plan';

const allSteps = Object.entries(steps).flatMap(([operation, names]) => names.map((n) => `${operation} ${n}`));

describe('the plan of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planOf(rules, 50, 7)).toEqual(planOf(rules, 50, 7));
    expect(planOf(rules, 50, 7)).not.toEqual(planOf(rules, 50, 8));
  });

  it.each([1, 2, 3, 4, 5])('has every step and every fault within 32 cases (seed %d)', (seed) => {
    const plan = planOf(rules, 32, seed);
    expect(new Set(plan.map(stepOf))).toEqual(new Set(allSteps));
    expect(new Set(plan.map((c) => c.fault))).toEqual(new Set(Object.keys(rules)));
  });

  it('begins as a shorter one of the same seed', () => {
    expect(planOf(rules, 60, 1).slice(0, 32)).toEqual(planOf(rules, 32, 1));
  });

  it('has no case twice while there are others', () => {
    const plan = planOf(rules, possible(rules).length, 1);
    expect(new Set(plan.map((c) => stepOf(c) + c.fault)).size).toBe(plan.length);
  });

  it('has only what is possible', () => {
    const keys = new Set(possible(rules).map((c) => stepOf(c) + c.fault));
    for (const c of planOf(rules, 500, 3)) expect(keys).toContain(stepOf(c) + c.fault);
  });
});
