import { standStill } from '../../src/capture/stand-still';

it.each([
  [
    'as long as the operation has, where no probe asks',
    { remainingSeconds: 41.2 },
    { seconds: 42, reason: 'DeadlineExceeded', message: 'the dump was not done in time' },
  ],
  [
    'also where a probe would bear more',
    { remainingSeconds: 7, budgetSeconds: 10, spentSeconds: 1 },
    { seconds: 7, reason: 'DeadlineExceeded', message: 'the dump was not done in time' },
  ],
  [
    'four fifths of what the probe allows',
    { remainingSeconds: 600, budgetSeconds: 10 },
    {
      seconds: 8,
      reason: 'StoodStillTooLong',
      message: 'its livenessProbe would have ended the source soon',
    },
  ],
  [
    'less by what its GPU takes',
    { remainingSeconds: 600, budgetSeconds: 10, spentSeconds: 5 },
    {
      seconds: 3,
      reason: 'StoodStillTooLong',
      message:
        'its livenessProbe would have ended the source soon; of the 10.0s that it allows, the GPU takes 5.00s',
    },
  ],
  [
    'not at all where that is too much already',
    { remainingSeconds: 600, budgetSeconds: 10, spentSeconds: 9 },
    {
      seconds: -1,
      reason: 'StoodStillTooLong',
      message:
        'its livenessProbe would have ended the source soon; of the 10.0s that it allows, the GPU takes 9.00s',
    },
  ],
])('CRIU may keep a source still %s', (_, times, limit) => {
  expect(standStill(times)).toEqual(limit);
});
