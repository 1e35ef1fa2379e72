import { assignmentStatusSchema } from '@dynamo-snapshot/api/assignment';
import { finalStatus, runningStatus } from '../../src/assignment/status';
import type { CaptureResult, Outcome } from '../../src/engine';

const START = Date.parse('2026-01-02T03:04:05.678Z');
const NOW = START + 1500;

const timings = [{ step: 'dump', seconds: 0.3 }];
const receipt = { artifactDigest: 'sha256:x', restoredPid: 22, steps: [] };
const source: CaptureResult['source'] = {
  nodeName: 'node-a',
  architecture: 'x64',
  kernel: '6.1',
  criuVersion: '4.2.1',
  image: 'repo/app:1',
  imageDigest: 'sha256:i',
  command: ['serve'],
};

const captured: Outcome = {
  ok: true,
  result: {
    operation: 'Capture',
    artifactDigest: 'sha256:d',
    sizeBytes: 7,
    pausedSeconds: 0.3,
    source,
    timings,
  },
};
const restored: Outcome = { ok: true, result: { operation: 'Restore', receipt, timings } };
const deleted: Outcome = { ok: true, result: { operation: 'Delete', timings } };
const failed: Outcome = { ok: false, reason: 'RestoreRefused', message: 'no' };

/** The API server drops what the schema does not know, without a word. */
const known = Object.keys(assignmentStatusSchema.properties);

describe('the status of an assignment', () => {
  it.each([
    ['that has just begun', runningStatus(START, NOW, undefined)],
    ['that runs', runningStatus(START, NOW, { progress: { step: 'dump', summary: 'dump 1%' }, timings })],
    ['of a capture', finalStatus(START, NOW, captured)],
    ['of a restore', finalStatus(START, NOW, restored)],
    ['of a deletion', finalStatus(START, NOW, deleted)],
    ['that failed', finalStatus(START, NOW, failed)],
  ])('has only what the schema knows: one %s', (_, status) => {
    expect(known).toEqual(expect.arrayContaining(Object.keys(status)));
  });

  it('says that it has begun before the engine has said anything', () => {
    expect(runningStatus(START, NOW, undefined)).toEqual({
      phase: 'Running',
      step: 'begin',
      progress: { step: 'begin', summary: 'begin' },
      startedAt: '2026-01-02T03:04:05.678Z',
      heartbeatTime: '2026-01-02T03:04:07Z',
      timings: [],
    });
  });

  it('says what the engine does and has done', () => {
    const progress = { step: 'dump', summary: 'dump 45%', bytesDone: 45, bytesTotal: 100 };
    expect(runningStatus(START, NOW, { progress, timings })).toMatchObject({
      step: 'dump',
      progress,
      timings,
    });
  });

  it('of a capture names the artifact and where it came from', () => {
    expect(finalStatus(START, NOW, captured)).toMatchObject({
      phase: 'Succeeded',
      finishedAt: '2026-01-02T03:04:07.178Z',
      artifact: { digest: 'sha256:d', sizeBytes: 7 },
      source: { nodeName: 'node-a', imageDigest: 'sha256:i' },
      timings,
    });
  });

  it('of a restore holds the receipt', () => {
    expect(finalStatus(START, NOW, restored)).toMatchObject({ phase: 'Succeeded', receipt, timings });
  });

  it.each([
    ['Failed', {}],
    ['Failed', { cancelled: false }],
    ['Cancelled', { cancelled: true }],
  ])('is %s for an outcome with %j, and says why', (phase, cancelled) => {
    const status = finalStatus(START, NOW, { ...failed, ...cancelled } as Outcome);
    expect(status).toMatchObject({ phase, reason: 'RestoreRefused', message: 'no' });
    expect(status).not.toHaveProperty('artifact');
  });

  it('says what became of the placeholder of a restore that failed', () => {
    const fellBack = { ...failed, fellBack: 'ColdStart' } as Outcome;
    expect(finalStatus(START, NOW, fellBack)).toMatchObject({ phase: 'Failed', fellBack: 'ColdStart' });
    expect(finalStatus(START, NOW, failed)).not.toHaveProperty('fellBack');
  });

  it('says how long the steps of a failure took', () => {
    const timed = { ...failed, timings: [...timings, { step: 'fall back', seconds: 0.02 }] } as Outcome;
    expect(finalStatus(START, NOW, timed)).toMatchObject({
      phase: 'Failed',
      timings: [{ step: 'dump' }, { step: 'fall back' }],
    });
  });

  it('cuts a message that would not fit into an object', () => {
    expect(
      finalStatus(START, NOW, { ...failed, message: 'x'.repeat(100_000) } as Outcome).message,
    ).toHaveLength(4000);
  });
});
