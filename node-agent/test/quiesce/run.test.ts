import type { Hook } from '@dynamo-snapshot/api/hooks';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { takeBack } from '../../src/journal/undo';
import { containerId } from '../../src/linux/ids';
import { inode } from '../../src/linux/proc';
import { quiesce, wake } from '../../src/quiesce/run';
import { PORT, Worker } from './worker';

const root = process.getuid?.() === 0 ? describe : describe.skip;
const http = (path: string, more: object = {}): Hook => ({ http: { port: PORT, path, ...more } });
const never = new AbortController().signal;

root('the hooks of a worker', () => {
  let worker: Worker;
  beforeAll(async () => (worker = await Worker.start()), 30_000);
  afterAll(() => worker.stop());

  const target = (...hooks: Hook[]) => ({
    hooks,
    process: worker.process,
    containerId: containerId('ab'.repeat(32)),
    criSocket: 'unix:///nowhere',
  });

  it("are called in the pod's own network, in order, and we are back in ours", async () => {
    const own = inode('/proc/thread-self/ns/net');
    await quiesce(target(http('/pause?mode=keep'), http('/sleep', { method: 'PUT' })), never);
    expect(worker.asked.slice(-2)).toEqual(['POST /pause?mode=keep', 'PUT /sleep']);
    expect(inode('/proc/thread-self/ns/net')).toBe(own);
    await expect(fetch(`http://127.0.0.1:${PORT}/`)).rejects.toThrow();
  });

  it('may have another status than one of success', async () => {
    await quiesce(target(http('/404', { expectedStatus: 404 })), never);
    await expect(quiesce(target(http('/200', { expectedStatus: 404 })), never)).rejects.toThrow(
      /answered 200/,
    );
  });

  it.each<[string, Hook, RegExp]>([
    [
      'answers an error',
      http('/500'),
      /^hook 1 of 2 before the capture, POST :8000\/500: answered 500: said so$/,
    ],
    ['hangs', http('/hang', { timeoutSeconds: 1 }), /POST :8000\/hang: no end after 1 s$/],
    ['is nobody', { http: { port: 9, timeoutSeconds: 1 } }, /POST :9\/: no end after 1 s$/],
  ])('that %s fails with its reason, and no further one is called', async (_, hook, message) => {
    const ended = quiesce(target(hook, http('/next')), never);
    await expect(ended).rejects.toMatchObject({
      reason: 'QuiesceFailed',
      message: expect.stringMatching(message),
    });
    expect(worker.asked).not.toContain('POST /next');
  });

  it('that hang end with the operation, in its words', async () => {
    const stop = new AbortController();
    const ended = quiesce(target(http('/hang')), stop.signal);
    setTimeout(() => stop.abort(new TerminalError('Cancelled', 'asked to stop')), 100);
    await expect(ended).rejects.toMatchObject({ reason: 'Cancelled', message: 'asked to stop' });
  });

  it('are called by whoever takes back what an engine has left', async () => {
    await takeBack({ do: 'wake', target: target(http('/wake_up')) });
    expect(worker.asked).toContain('POST /wake_up');
  });

  it('that fail to wake a worker say so', async () => {
    await expect(wake(target(http('/503')))).rejects.toMatchObject({ reason: 'WakeFailed' });
  });

  it('wait for a server that does not listen yet', async () => {
    const slow = await Worker.start(700);
    try {
      await wake({ ...target(http('/resume')), process: slow.process });
      expect(slow.asked).toEqual(['POST /resume']);
    } finally {
      await slow.stop();
    }
  }, 30_000);

  it('of a worker that is gone need not be called', async () => {
    const gone = await Worker.start();
    const left = { ...target(http('/wake_up')), process: gone.process };
    await gone.stop();
    await takeBack({ do: 'wake', target: left });
    await expect(quiesce(left, never)).rejects.toMatchObject({ reason: 'ContainerGone' });
  }, 30_000);
});
