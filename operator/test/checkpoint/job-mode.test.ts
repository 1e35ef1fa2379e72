import { assignment, ownedJob } from '../objects';
import { CAPTURE, withJob, ready, jobMade, jobPod, ofPod, table } from './world';

describe('the job of a checkpoint', () => {
  table([
    ['is made', withJob(), {}, { do: 'createJob' }],
    [
      'may be missing from the cache for a while',
      withJob(jobMade('2026-01-01T00:09:55Z')),
      {},
      { do: 'nothing', requeueAfterMs: 5000 },
    ],
    [
      'that was deleted fails the checkpoint',
      withJob(jobMade('2026-01-01T00:09:00Z')),
      {},
      { do: 'fail', reason: 'JobMissing' },
    ],
    [
      'waits for one of an earlier namesake to go',
      withJob(),
      { jobs: [ownedJob('another')] },
      { do: 'wait', reason: 'WaitingForSource' },
    ],
    [
      'that gave up fails the checkpoint, and says where to look',
      withJob(),
      { jobs: [ownedJob(undefined, 'Failed', 'BackoffLimitExceeded')] },
      {
        do: 'fail',
        reason: 'JobFailed',
        message: expect.stringMatching(/BackoffLimitExceeded.*logs.*backoffLimit/),
      },
    ],
    [
      'that met its deadline says which value to raise',
      withJob(),
      { jobs: [ownedJob(undefined, 'Failed', 'DeadlineExceeded')] },
      {
        do: 'fail',
        reason: 'JobDeadlineExceeded',
        message: expect.stringMatching(/900 s.*activeDeadlineSeconds/),
      },
    ],
    [
      'that succeeded without a capture is no proof of anything',
      withJob(),
      { jobs: [ownedJob(undefined, 'Complete')] },
      { do: 'fail', reason: 'JobFailed', message: expect.stringMatching(/must wait for its capture/) },
    ],
    [
      'has its pod captured when it is Ready',
      withJob(),
      { jobs: [ownedJob()], pods: [jobPod()] },
      { do: 'assignCapture' },
    ],
    [
      'tries the next pod when one ends before it was captured',
      withJob(),
      { jobs: [ownedJob()], pods: [jobPod({ status: { phase: 'Failed' } })] },
      { do: 'wait', reason: 'WaitingForSource' },
    ],
    [
      'tries again when a pod ended in its capture',
      withJob(),
      {
        jobs: [ownedJob()],
        pods: [jobPod({ status: { phase: 'Failed' } })],
        assignments: [assignment(CAPTURE, { phase: 'Failed', reason: 'ContainerGone' }, ofPod)],
      },
      { do: 'begin', request: { version: 1, attempt: 2 } },
    ],
    [
      'does not try again with a pod that could not be captured',
      withJob(),
      {
        jobs: [ownedJob()],
        pods: [jobPod()],
        assignments: [assignment(CAPTURE, { phase: 'Failed', reason: 'PreflightFailed' }, ofPod)],
      },
      { do: 'fail', reason: 'PreflightFailed' },
    ],
    [
      'is ended when its worker could not be captured',
      withJob({ phase: 'Failed' }, 'Failed'),
      { jobs: [ownedJob()] },
      { do: 'endJob' },
    ],
    [
      'leaves the worker a minute to go',
      withJob(ready(), 'Succeeded'),
      { jobs: [ownedJob()] },
      { do: 'nothing', requeueAfterMs: 30_000 },
    ],
    [
      'is ended when the worker stays',
      withJob(ready({ createdAt: '2026-01-01T00:08:59Z' }), 'Succeeded'),
      { jobs: [ownedJob()] },
      { do: 'endJob' },
    ],
    [
      'is told to be complete',
      withJob(ready(), 'Succeeded'),
      { jobs: [ownedJob(undefined, 'Complete')] },
      { do: 'jobCompleted' },
    ],
  ]);
});
