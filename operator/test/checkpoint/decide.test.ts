import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { decide } from '../../src/checkpoint/decide';
import { observe } from '../../src/checkpoint/observe';
import { assignment, caches, checkpoint, job, NOW, ownedJob, pod } from '../objects';

const CAPTURE = 'capture-one-11111111';
const DELETE = 'delete-one-11111111';
const ready = { phase: 'Ready', createdAt: '2026-01-01T00:09:30Z' } as const;
const artifact = { uid: 'u', digest: 'd', sizeBytes: 1, size: '1B' };
const leaving = { deletionTimestamp: '2026-01-01T00:09:50Z' };
const jobMade = (at: string) => ({
  jobName: 'checkpoint-one',
  conditions: [
    { type: 'JobCreated', status: 'True' as const, reason: '', message: '', lastTransitionTime: at },
  ],
});

type World = Parameters<typeof caches>[0];
const decided = (it: DynamoCheckpoint, world: World = {}) =>
  decide(observe(it, caches({ ...world, checkpoints: [it, ...(world.checkpoints ?? [])] })), NOW);

const older = (more: object = {}) =>
  checkpoint({ metadata: { name: 'old', uid: 'old', creationTimestamp: '2025-01-01T00:00:00Z' }, ...more });
const withJob = (status = {}) => checkpoint({ spec: { job: job() }, status });

describe('a checkpoint', () => {
  it.each<[string, DynamoCheckpoint, World, object]>([
    ['gets the finalizer first', checkpoint({ metadata: { finalizers: [] } }), {}, { do: 'addFinalizer' }],
    ['waits for a pod that does not exist', checkpoint(), {}, { do: 'wait', reason: 'SourcePodNotFound' }],
    [
      'waits for a pod that is not Ready',
      checkpoint(),
      { pods: [pod('src', {}, false)] },
      { do: 'wait', reason: 'WaitingForSource' },
    ],
    [
      'does not capture a pod that is being deleted',
      checkpoint(),
      { pods: [pod('src', { deletionTimestamp: new Date(NOW) })] },
      { do: 'wait', reason: 'SourcePodNotFound' },
    ],
    ['captures a pod that is Ready', checkpoint(), { pods: [pod('src')] }, { do: 'assignCapture' }],
    [
      'captures the oldest Ready pod of a selector',
      checkpoint({ spec: { source: { selector: { matchLabels: { app: 'a' } } } } }),
      {
        pods: [
          pod('young', { labels: { app: 'a' }, creationTimestamp: '2026-01-03' }),
          pod('unready', { labels: { app: 'a' }, creationTimestamp: '2026-01-01' }, false),
          pod('oldest', { labels: { app: 'a' }, creationTimestamp: '2026-01-02' }),
          pod('other', { labels: { app: 'b' }, creationTimestamp: '2026-01-01' }),
        ],
      },
      { do: 'assignCapture', target: { pod: { name: 'oldest' } } },
    ],
    [
      'fails where the container does not exist',
      checkpoint({ spec: { source: { podName: 'src', containerName: 'nobody' } } }),
      { pods: [pod('src')] },
      { do: 'fail', reason: 'TargetContainerNotFound' },
    ],
    [
      'fails where an older one has its identity',
      checkpoint(),
      { checkpoints: [older()] },
      { do: 'fail', reason: 'DuplicateIdentity', message: expect.stringMatching(/already owned by old$/) },
    ],
    [
      'is no duplicate of a failed one',
      checkpoint(),
      { checkpoints: [older({ status: { phase: 'Failed' } })], pods: [pod('src')] },
      { do: 'assignCapture' },
    ],
    ['makes its job', withJob(), {}, { do: 'createJob' }],
    [
      'gives the cache time to see the job',
      withJob(jobMade('2026-01-01T00:09:55Z')),
      {},
      { do: 'nothing', requeueAfterMs: 5000 },
    ],
    [
      'fails when its job was deleted',
      withJob(jobMade('2026-01-01T00:09:00Z')),
      {},
      { do: 'fail', reason: 'JobMissing' },
    ],
    [
      'waits for a job of an earlier namesake to go',
      withJob(),
      { jobs: [ownedJob('another')] },
      { do: 'wait', reason: 'WaitingForSource' },
    ],
    [
      'fails with its job',
      withJob(),
      { jobs: [ownedJob(undefined, 'Failed')] },
      { do: 'fail', reason: 'JobFailed' },
    ],
    [
      "captures the job's pod when it is Ready",
      withJob(),
      {
        jobs: [ownedJob()],
        pods: [pod('p', { labels: { 'batch.kubernetes.io/controller-uid': 'job-uid' } })],
      },
      { do: 'assignCapture' },
    ],
    ['fails no more once it has failed', checkpoint({ status: { phase: 'Failed' } }), {}, { do: 'nothing' }],
  ])('%s', (_, it, world, plan) => expect(decided(it, world)).toMatchObject(plan));
});

describe('a capture', () => {
  it.each<[string, DynamoCheckpoint, World, object]>([
    [
      'is looked at again when no agent has taken it',
      checkpoint(),
      { assignments: [assignment(CAPTURE)] },
      { do: 'progress', message: '', requeueAfterMs: 13_000 },
    ],
    [
      'shows its progress',
      checkpoint(),
      { assignments: [assignment(CAPTURE, { phase: 'Running' })] },
      { do: 'progress', message: '' },
    ],
    [
      'makes the checkpoint Ready',
      checkpoint(),
      { assignments: [assignment(CAPTURE, { phase: 'Succeeded' })] },
      { do: 'ready' },
    ],
    [
      "fails the checkpoint with the agent's words",
      checkpoint(),
      { assignments: [assignment(CAPTURE, { phase: 'Failed', reason: 'DumpFailed', message: 'no' })] },
      { do: 'fail', reason: 'DumpFailed', message: 'no' },
    ],
    [
      'that nobody has taken fails with its job',
      withJob(),
      { assignments: [assignment(CAPTURE)], jobs: [ownedJob(undefined, 'Failed')] },
      { do: 'fail', reason: 'JobFailed' },
    ],
    [
      'leaves the worker a minute to go',
      withJob(ready),
      { jobs: [ownedJob()] },
      { do: 'nothing', requeueAfterMs: 30_000 },
    ],
    [
      'ends a job that stays',
      withJob({ ...ready, createdAt: '2026-01-01T00:08:59Z' }),
      { jobs: [ownedJob()] },
      { do: 'endJob' },
    ],
    [
      'tells that the job is complete',
      withJob(ready),
      { jobs: [ownedJob(undefined, 'Complete')] },
      { do: 'jobCompleted' },
    ],
  ])('%s', (_, it, world, plan) => expect(decided(it, world)).toMatchObject(plan));

  it('that no agent takes is said to a person', () => {
    const capture = assignment(CAPTURE);
    const old = { ...capture, metadata: { ...capture.metadata, creationTimestamp: '2026-01-01T00:09:00Z' } };
    expect(decided(checkpoint(), { assignments: [old] })).toMatchObject({
      do: 'progress',
      message: 'no agent on node node-a has taken the capture yet',
    });
  });
});

describe('a checkpoint that is deleted', () => {
  const gone = (status = {}, spec = {}) => checkpoint({ metadata: leaving, status, spec });
  const kept = gone({ phase: 'Ready', artifact, source: { nodeName: 'node-b' } });
  const deletion = (status: Parameters<typeof assignment>[1]) => ({
    assignments: [assignment(DELETE, status)],
  });
  it.each<[string, DynamoCheckpoint, World, object]>([
    ['goes at once when nothing was captured', gone(), {}, { do: 'release' }],
    [
      'goes at once when the artifact is to stay',
      gone({ phase: 'Ready', artifact }, { retention: { deletionPolicy: 'Retain' } }),
      {},
      { do: 'release' },
    ],
    [
      'cancels its capture',
      gone(),
      { assignments: [assignment(CAPTURE, { phase: 'Running' })] },
      { do: 'cancelCapture' },
    ],
    [
      'waits for the cancelled capture to end',
      gone(),
      { assignments: [assignment(CAPTURE, { phase: 'Running' }, { cancelled: true })] },
      { do: 'nothing' },
    ],
    [
      'waits a minute for an agent that may have taken it',
      gone(),
      { assignments: [assignment(CAPTURE, undefined, { cancelled: true })] },
      { do: 'nothing', requeueAfterMs: 50_000 },
    ],
    ['has its artifact deleted', kept, {}, { do: 'assignDelete', nodeName: 'node-b' }],
    [
      'has the artifact of a capture deleted that it has not seen end',
      gone(),
      { assignments: [assignment(CAPTURE, { phase: 'Succeeded' })] },
      { do: 'assignDelete', nodeName: 'node-a' },
    ],
    ['waits for that', kept, deletion({ phase: 'Running' }), { do: 'nothing' }],
    ['goes when that is done', kept, deletion({ phase: 'Succeeded' }), { do: 'release' }],
    [
      'tells that it failed',
      kept,
      deletion({ phase: 'Failed', message: 'read-only', finishedAt: '2026-01-01T00:09:50Z' }),
      { do: 'tellDeleteFailed', message: 'read-only', requeueAfterMs: 20_000 },
    ],
    [
      'tries again',
      kept,
      deletion({ phase: 'Failed', finishedAt: '2026-01-01T00:09:00Z' }),
      { do: 'deleteAgain' },
    ],
  ])('%s', (_, it, world, plan) => expect(decided(it, world)).toMatchObject(plan));
});
