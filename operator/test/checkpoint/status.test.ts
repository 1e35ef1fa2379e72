import { observe } from '../../src/checkpoint/observe';
import { changed, waiting } from '../../src/checkpoint/status';
import { caches, NOW, ownedJob } from '../objects';
import { jobMade, withJob } from './world';

const written = (it: ReturnType<typeof withJob>, jobs = [ownedJob()]) => {
  const seen = observe(it, caches({ checkpoints: [it], jobs }));
  return changed(seen, waiting(it, 'WaitingForSource', 'waiting'), NOW);
};
const types = ({ conditions = [] }: ReturnType<typeof written>) => conditions.map((c) => c.type);

describe('the status of a checkpoint that has a job', () => {
  it('says so also where the cache does not know yet that it was said', () => {
    const status = written(withJob());
    expect(status).toMatchObject({ jobName: 'checkpoint-one', phase: 'Creating', message: 'waiting' });
    expect(types(status)).toEqual(expect.arrayContaining(['JobCreated', 'JobCompleted', 'Captured']));
  });

  it('says since when it was made, where that is known', () => {
    const at = '2026-01-01T00:09:55Z';
    const { conditions = [] } = written(withJob(jobMade(at)));
    expect(conditions.find((c) => c.type === 'JobCreated')?.lastTransitionTime).toBe(at);
  });

  it.each([
    ['there is none', []],
    ['it is of another object', [ownedJob('another')]],
  ])('says nothing of it where %s', (_, jobs) => {
    expect(written(withJob(), jobs)).not.toHaveProperty('jobName');
  });
});
