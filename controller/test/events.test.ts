import { EventRecorder } from '../src/events';
import { silent } from '../src/log';
import { ApiServer } from './apiserver';

const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'ns', name: 'worker', uid: 'u-1' };
const TEN_MINUTES = 10 * 60_000;

let server: ApiServer;
let recorder: EventRecorder;
let now: number;
const warn = jest.fn();

beforeEach(async () => {
  server = new ApiServer();
  await server.listen();
  now = Date.parse('2026-01-02T03:04:05Z');
  warn.mockClear();
  recorder = new EventRecorder(server.config, 'dynamo-snapshot', { ...silent, warn }, { now: () => now });
});

afterEach(() => server.close());

const events = () => server.store.list('api/v1/events');

it('says what happened to which object, in its namespace', async () => {
  await recorder.event(pod, 'Warning', 'RestoreFailed', 'no such checkpoint');
  expect(events()).toEqual([
    expect.objectContaining({
      metadata: expect.objectContaining({ name: expect.stringMatching(/^worker-./), namespace: 'ns' }),
      involvedObject: pod,
      type: 'Warning',
      reason: 'RestoreFailed',
      message: 'no such checkpoint',
      source: { component: 'dynamo-snapshot' },
      firstTimestamp: expect.stringMatching(/^2026-01-02T03:04:05/),
      count: 1,
    }),
  ]);
});

it('tells the same thing of the same object once in ten minutes', async () => {
  await recorder.event(pod, 'Normal', 'R', 'm');
  now += TEN_MINUTES - 1;
  await recorder.event(pod, 'Normal', 'R', 'm');
  expect(events()).toHaveLength(1);
  now += 1;
  await recorder.event(pod, 'Normal', 'R', 'm');
  expect(events()).toHaveLength(2);
});

it.each([
  ['reason', pod, 'Other', 'm'],
  ['message', pod, 'R', 'other'],
  ['object of the same name', { ...pod, uid: 'u-2' }, 'R', 'm'],
] as const)('tells at once of another %s', async (_, target, reason, message) => {
  await recorder.event(pod, 'Normal', 'R', 'm');
  await recorder.event(target, 'Normal', reason, message);
  expect(events()).toHaveLength(2);
});

it('cuts a message to what the API server takes', async () => {
  await recorder.event(pod, 'Normal', 'R', 'x'.repeat(5000));
  expect(events()[0]?.message).toBe('x'.repeat(1024));
});

it('logs a refusal instead of throwing, and tells again next time', async () => {
  server.failNext('POST', 403);
  await recorder.event(pod, 'Normal', 'R', 'm');
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('event R of Pod worker: '));
  await recorder.event(pod, 'Normal', 'R', 'm');
  expect(events()).toHaveLength(1);
});
