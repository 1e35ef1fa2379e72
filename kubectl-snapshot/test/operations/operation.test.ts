import { AWAITS_CONTAINER } from '@dynamo-snapshot/api/assignment';
import picocolors from 'picocolors';
import type { Look } from '../../src/operations/operation';
import { current, operationLine, operationOf, progressText } from '../../src/operations/operation';
import { assignment } from '../objects';
import { NOW } from '../stage';

const plain: Look = { colours: picocolors.createColors(false), bars: true };
const progress = {
  step: 'dump',
  summary: '',
  bytesDone: 2 ** 30,
  bytesTotal: 4 * 2 ** 30,
  bytesPerSecond: 2 ** 29,
  etaSeconds: 6,
};

it.each([
  ['all of it', progress, 'dump      █████░░░░░░░░░░░░░░░   25%  1Gi of 4Gi  512Mi/s  6s left'],
  [
    'no rate yet',
    { ...progress, bytesPerSecond: undefined, etaSeconds: undefined },
    'dump      █████░░░░░░░░░░░░░░░   25%  1Gi of 4Gi',
  ],
  ['a step without bytes', { step: 'publish', summary: 'publish' }, 'publish'],
  [
    'minutes',
    { ...progress, etaSeconds: 125 },
    'dump      █████░░░░░░░░░░░░░░░   25%  1Gi of 4Gi  512Mi/s  125s left',
  ],
  ['nothing', undefined, ''],
])('progress with %s', (_, given, text) => {
  expect(progressText(given as typeof progress, plain)).toBe(text);
});

const running = { phase: 'Running', startedAt: '2026-11-28T11:59:50Z', progress } as const;

it.each([
  ['nobody has taken it', assignment('a'), 'capture  qwen3 of worker-0 on node-a  waiting for the agent'],
  [
    'its pod has not started the container',
    assignment('a', { phase: 'Pending', progress: { step: AWAITS_CONTAINER, summary: '' } }),
    'capture  qwen3 of worker-0 on node-a  waiting for the container to start',
  ],
  [
    'it runs',
    assignment('a', running),
    'capture  qwen3 of worker-0 on node-a  dump      █████░░░░░░░░░░░░░░░   25%  1Gi of 4Gi  512Mi/s  6s left',
  ],
  [
    'it is done',
    assignment('a', {
      ...running,
      phase: 'Succeeded',
      finishedAt: '2026-11-28T11:59:58Z',
      artifact: { digest: '', sizeBytes: 2 ** 30 },
    }),
    'capture  qwen3 of worker-0 on node-a  done in 8.00s, 1Gi',
  ],
  [
    'it failed',
    assignment(
      'a',
      { phase: 'Failed', reason: 'RestoreFailed', message: 'criu restore: exit 1' },
      { operation: 'Restore' },
    ),
    'restore  qwen3 into worker-0 on node-a  RestoreFailed: criu restore: exit 1',
  ],
  [
    'it deletes',
    assignment('a', undefined, { operation: 'Delete', pod: undefined as never }),
    'delete   qwen3 on node-a  waiting for the agent',
  ],
])('the line of an operation: %s', (_, given, line) => {
  expect(operationLine(operationOf(given), NOW, plain)).toBe(line);
});

it('what runs comes first and oldest first; what has ended is shown for a while', () => {
  const ended = (name: string, at: string) =>
    assignment(name, { phase: 'Succeeded', startedAt: at, finishedAt: at });
  const all = [
    ended('just', '2026-11-28T11:59:30Z'),
    ended('long-ago', '2026-11-28T11:00:00Z'),
    assignment('pending'),
    assignment('second', { phase: 'Running', startedAt: '2026-11-28T11:59:59Z' }),
    assignment('first', { phase: 'Running', startedAt: '2026-11-28T11:59:00Z' }),
  ].map(operationOf);
  expect(current(all, NOW, 60).map((o) => o.name)).toEqual(['first', 'second', 'pending', 'just']);
});
