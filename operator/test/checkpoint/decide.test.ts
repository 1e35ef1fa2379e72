import { agents, assignment, checkpoint, NOW, ownedJob, pod } from '../objects';
import { CAPTURE, succeeded, begun, one, withJob, ready, older, withImage, old, table } from './world';

describe('a checkpoint', () => {
  table([
    ['gets the finalizer first', checkpoint({ metadata: { finalizers: [] } }), {}, { do: 'addFinalizer' }],
    [
      'writes down what is asked for before it does anything about it',
      checkpoint(),
      { pods: [pod('src')] },
      { do: 'begin', request: { version: 1, attempt: 1 } },
    ],
    ['waits for a pod that does not exist', one(), {}, { do: 'wait', reason: 'SourcePodNotFound' }],
    [
      'waits for a pod that is not Ready',
      one(),
      { pods: [pod('src', {}, false)] },
      { do: 'wait', reason: 'WaitingForSource' },
    ],
    [
      'does not capture a pod that is being deleted',
      one(),
      { pods: [pod('src', { deletionTimestamp: new Date(NOW) })] },
      { do: 'wait', reason: 'SourcePodNotFound' },
    ],
    ['captures a pod that is Ready', one(), { pods: [pod('src')] }, { do: 'assignCapture' }],
    [
      'captures the oldest Ready pod of a selector',
      begun(checkpoint({ spec: { source: { selector: { matchLabels: { app: 'a' } } } } })),
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
      begun(checkpoint({ spec: { source: { podName: 'src', containerName: 'nobody' } } })),
      { pods: [pod('src')] },
      { do: 'fail', reason: 'TargetContainerNotFound' },
    ],
    ['stays failed', begun(checkpoint(), { phase: 'Failed' }, 'Failed'), {}, { do: 'nothing' }],
    [
      'that an earlier release made Ready is not captured again',
      checkpoint({ status: ready() }),
      { pods: [pod('src')] },
      { do: 'nothing' },
    ],
  ]);
});

describe('an engine', () => {
  table([
    [
      'that cannot be captured yet is refused, with no artifact to wait for',
      checkpoint({
        spec: { identity: { model: 'm', backendFramework: 'trtllm' } },
        metadata: { finalizers: [] },
      }),
      {},
      { do: 'fail', reason: 'UnsupportedBackend', message: expect.stringContaining('TensorRT-LLM') },
    ],
  ]);
});

describe('an identity', () => {
  table([
    [
      'has one owner, the older',
      checkpoint(),
      { checkpoints: [older()] },
      {
        do: 'fail',
        reason: 'DuplicateIdentity',
        message: expect.stringMatching(/^checkpoint identity hash [0-9a-f]{16} is already owned by old$/),
      },
    ],
    [
      'is owned by a younger one that has an artifact',
      one(),
      {
        checkpoints: [
          older({ metadata: { name: 'young', uid: 'y', creationTimestamp: '2027-01-01' }, status: ready() }),
        ],
      },
      { do: 'fail', reason: 'DuplicateIdentity' },
    ],
    [
      'is not owned by a failed one',
      one(),
      { checkpoints: [older({ status: { phase: 'Failed' } })], pods: [pod('src')] },
      { do: 'assignCapture' },
    ],
    [
      'is not owned in another namespace',
      one(),
      {
        checkpoints: [older({ metadata: { name: 'old', uid: 'old', namespace: 'other' } })],
        pods: [pod('src')],
      },
      { do: 'assignCapture' },
    ],
    [
      'of another image is said to be another artifact, with both digests',
      checkpoint(),
      { checkpoints: [older({ status: ready() })], pods: [withImage(pod('src'), '2')] },
      {
        do: 'fail',
        reason: 'ImageDiffers',
        message: expect.stringMatching(
          /owned by old, .*worker:1 \(sha256:1{64}\).*worker:2 \(sha256:2{64}\).*extraParameters/,
        ),
      },
    ],
    [
      'of the same digest under another tag is a duplicate',
      checkpoint(),
      { checkpoints: [older({ status: ready() })], pods: [withImage(pod('src'), '1')] },
      { do: 'fail', reason: 'DuplicateIdentity' },
    ],
  ]);
});

describe('a capture', () => {
  table([
    [
      'is looked at again when no agent has taken it',
      one(),
      {
        pods: [pod('src')],
        assignments: [assignment(CAPTURE, undefined, { pod: { name: 'src', uid: 'uid-src' } })],
      },
      { do: 'progress', requeueAfterMs: 13_000 },
    ],
    [
      'shows its progress',
      one(),
      { assignments: [assignment(CAPTURE, { phase: 'Running' })] },
      { do: 'progress' },
    ],
    ['makes the checkpoint Ready', one(), { assignments: [assignment(CAPTURE, succeeded)] }, { do: 'ready' }],
    [
      'makes nothing Ready without a verified digest',
      one(),
      { assignments: [assignment(CAPTURE, { phase: 'Succeeded' })] },
      { do: 'fail', reason: 'ArtifactUnverified' },
    ],
    [
      "fails the checkpoint with the agent's words",
      one(),
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
      'that nobody has taken fails with its pod',
      one(),
      { assignments: [assignment(CAPTURE, undefined, { pod: { name: 'src', uid: 'uid-src' } })] },
      { do: 'fail', reason: 'SourcePodGone' },
    ],
    [
      'that was cancelled because its pod left says so',
      one(),
      {
        assignments: [
          assignment(
            CAPTURE,
            { phase: 'Cancelled', reason: 'Cancelled' },
            { pod: { name: 'src', uid: 'uid-src' } },
          ),
        ],
      },
      { do: 'fail', reason: 'SourcePodGone', message: 'pod src left while it was captured' },
    ],
    [
      'that somebody cancelled says that',
      one(),
      {
        pods: [pod('src')],
        assignments: [
          assignment(
            CAPTURE,
            { phase: 'Cancelled', reason: 'Cancelled' },
            { pod: { name: 'src', uid: 'uid-src' } },
          ),
        ],
      },
      { do: 'fail', reason: 'Cancelled' },
    ],
    [
      'on a node without an agent is said to a person',
      one(),
      {
        pods: [pod('src')],
        agents: agents(['node-b']),
        assignments: [assignment(CAPTURE, undefined, { pod: { name: 'src', uid: 'uid-src' } }, old)],
      },
      {
        do: 'progress',
        trouble: { reason: 'AgentMissing', message: expect.stringMatching(/node-a.*DaemonSet/) },
      },
    ],
    [
      'that was given up is cancelled, so that no agent takes it later',
      begun(checkpoint(), { phase: 'Failed' }, 'Failed'),
      { assignments: [assignment(CAPTURE)] },
      { do: 'cancelCapture' },
    ],
  ]);
});

describe('a time to live', () => {
  const expiring = (createdAt: string) =>
    begun(
      checkpoint({ spec: { retention: { ttlSecondsAfterReady: 60 } } }),
      ready({ createdAt }),
      'Succeeded',
    );
  table([
    ['is waited for', expiring('2026-01-01T00:09:30Z'), {}, { do: 'nothing', requeueAfterMs: 30_000 }],
    ['ends the checkpoint', expiring('2026-01-01T00:08:00Z'), {}, { do: 'expire' }],
    [
      'does not end it while somebody restores',
      expiring('2026-01-01T00:08:00Z'),
      { assignments: [assignment('r', undefined, { operation: 'Restore' })] },
      { do: 'nothing' },
    ],
  ]);
});
