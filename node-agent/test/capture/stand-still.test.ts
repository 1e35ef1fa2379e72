import { standStill } from '../../src/capture/stand-still';

it.each([
  [
    'as long as the operation has, where no probe asks',
    { remainingSeconds: 41.2 },
    { seconds: 42, reason: 'DeadlineExceeded', message: 'the dump was not done in time' },
  ],
  [
    'also where a probe would bear more',
    { remainingSeconds: 7, budgetSeconds: 10 },
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
])('CRIU may keep a source still %s', (_, times, limit) => {
  expect(standStill(times)).toEqual(limit);
});
