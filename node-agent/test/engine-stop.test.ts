import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopAtMark, stopSignal } from '../src/engine-stop';
import { JournalEntry } from '../src/journal/entry';
import { until } from './assignment/stage';

const LATER = () => Date.now() + 3_600_000;

let dir: string;
let entry: JournalEntry;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stop-'));
  entry = new JournalEntry(join(dir, 'u'));
  entry.create({
    request: {
      operation: 'Delete',
      artifactDir: '/s/n/h/u',
      artifact: { namespace: 'n', identityHash: 'h', uid: 'u' },
    },
    deadline: 42,
    assignment: { namespace: 'n', name: 'a', uid: 'u' },
  });
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('an operation must let go', () => {
  it('when its deadline passes, with the reason DeadlineExceeded', async () => {
    const { signal } = stopSignal(Date.now() + 30);
    expect(signal.aborted).toBe(false);
    await until(() => signal.aborted);
    expect(signal.reason).toMatchObject({ reason: 'DeadlineExceeded' });
  });

  it('at once when its deadline has passed already', async () => {
    const { signal } = stopSignal(0);
    await until(() => signal.aborted);
    expect(signal.reason).toMatchObject({ reason: 'DeadlineExceeded' });
  });

  it('not at once when its deadline is further away than a timer reaches', async () => {
    const { signal } = stopSignal(Date.now() + 2 ** 33);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(signal.aborted).toBe(false);
  });

  it('when it is asked by SIGTERM', async () => {
    const { signal } = stopSignal(LATER());
    process.emit('SIGTERM');
    await until(() => signal.aborted);
    expect(signal.reason).toMatchObject({ reason: 'Cancelled' });
  });

  it.each(['Cancelled', 'DeadlineExceeded'] as const)(
    'when the mark %s appears in its entry',
    async (reason) => {
      const stop = stopSignal(LATER());
      stopAtMark(entry, stop);
      expect(stop.signal.aborted).toBe(false);
      entry.askToStop({ reason, message: 'because' });
      await until(() => stop.signal.aborted);
      expect(stop.signal.reason).toMatchObject({ reason, message: 'because' });
    },
  );

  it('when the mark was there before it looked', () => {
    const stop = stopSignal(LATER());
    entry.askToStop({ reason: 'Cancelled', message: 'early' });
    stopAtMark(entry, stop);
    expect(stop.signal.reason).toMatchObject({ message: 'early' });
  });
});
