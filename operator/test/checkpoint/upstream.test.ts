/** Objects that upstream's operator has left: its phase and job, and no artifact that we could read. */
import type { CheckpointPhase } from '@dynamo-snapshot/api/checkpoint';
import { captureKey } from '../../src/checkpoint/capture';
import { observe } from '../../src/checkpoint/observe';
import { begun, changed, waiting } from '../../src/checkpoint/status';
import { caches, checkpoint, job, NOW, ownedJob, pod } from '../objects';
import { artifact, decided, jobMade, table } from './world';

const CAPTURED = '2025-12-01T00:00:00Z';
const left = (phase: CheckpointPhase) => ({
  ...{ phase, ...jobMade(CAPTURED) },
  ...{ createdAt: CAPTURED, location: '/checkpoints/0123456789abcdef', storageType: 'pvc' as const },
});
const upstreams = (phase: CheckpointPhase, finalizers?: string[]) =>
  checkpoint({ metadata: finalizers ? { finalizers } : {}, spec: { job: job() }, status: left(phase) });
const second = { do: 'begin', request: { version: 2, attempt: 1 } };

/** What is written, as the next look finds it. */
function written(phase: CheckpointPhase) {
  const it = upstreams(phase);
  const request = { key: captureKey(it), version: 2, attempt: 1 };
  const seen = observe(it, caches({ checkpoints: [it], jobs: [ownedJob(undefined, 'Complete')] }));
  return { ...it, status: changed(seen, begun(it, request, ''), NOW) };
}

describe('a checkpoint of upstream', () => {
  table([
    ['is ours first', upstreams('Ready', []), {}, { do: 'addFinalizer' }],
    ['that is Ready is captured anew', upstreams('Ready'), {}, second],
    ['that has failed is captured anew', upstreams('Failed'), {}, second],
    ['that was just made is captured', upstreams('Pending'), {}, second],
    [
      'that was being captured has its worker ended before',
      upstreams('Creating'),
      { jobs: [ownedJob()] },
      { do: 'endJob' },
    ],
    [
      'whose job has ended and is still there is captured',
      upstreams('Ready'),
      { jobs: [ownedJob(undefined, 'Complete')] },
      second,
    ],
    ['of a pod is captured too', checkpoint({ status: { phase: 'Ready' } }), { pods: [pod('src')] }, second],
  ]);

  it.each(['Ready', 'Failed'] as const)('that is %s is Pending then, and gets a job of ours', (phase) => {
    const next = written(phase);
    expect(next.status).toMatchObject({ phase: 'Pending', capture: { version: 2 } });
    expect(decided(next, { jobs: [ownedJob(undefined, 'Complete')] })).toEqual({ do: 'createJob' });
    expect(waiting(next, 'WaitingForSource', '').phase).toBe('Pending');
  });

  it('is told apart from one that was imported, which stays', () => {
    const ours = checkpoint({ status: { phase: 'Ready', artifact } });
    expect(decided(ours)).toEqual({ do: 'nothing' });
  });
});
