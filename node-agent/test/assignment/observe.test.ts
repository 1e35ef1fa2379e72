import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { observe } from '../../src/assignment/observe';
import { JournalEntry } from '../../src/journal/entry';
import { hostPid } from '../../src/linux/ids';
import { processRef } from '../../src/linux/proc';

/** Above the largest pid that Linux gives out. */
const NOBODY = 2_000_000_000;

let dir: string;
let entry: JournalEntry;

const create = () =>
  entry.create({
    request: {
      operation: 'Delete',
      artifactDir: '/s/n/h/u',
      artifact: { namespace: 'n', identityHash: 'h', uid: 'u' },
    },
    deadline: 42,
    assignment: { namespace: 'n', name: 'a', uid: 'u' },
  });

const assignment = (cancelled?: boolean, phase?: 'Running'): SnapshotAssignment =>
  ({
    metadata: { namespace: 'n', name: 'a', uid: 'u' },
    spec: cancelled === undefined ? {} : { cancelled },
    ...(phase ? { status: { phase } } : {}),
  }) as unknown as SnapshotAssignment;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'observe-'));
  entry = new JournalEntry(join(dir, 'u'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('observe', () => {
  it('sees nothing where there is nothing', () => {
    expect(observe(undefined, entry)).toEqual({});
  });

  it.each([
    [assignment(), { phase: undefined, cancelled: false }],
    [assignment(false, 'Running'), { phase: 'Running', cancelled: false }],
    [assignment(true, 'Running'), { phase: 'Running', cancelled: true }],
  ])('sees the object %#', (object, seen) => {
    expect(observe(object, entry)).toEqual({ assignment: seen });
  });

  it('sees an entry whose process was never written as dead', () => {
    create();
    expect(observe(undefined, entry)).toEqual({
      entry: { alive: false, hasResult: false, hasLeft: false, askedToStop: false, deadline: 42 },
    });
  });

  it('sees the living process, the wish to cancel, and the result', () => {
    create();
    const self = processRef(process.pid);
    if (self === undefined) throw new Error('this very process is gone');
    entry.writeProcess(self);
    expect(observe(undefined, entry).entry).toMatchObject({
      alive: true,
      hasResult: false,
      askedToStop: false,
    });
    entry.askToStop({ reason: 'Cancelled', message: 'm' });
    entry.writeResult({ ok: false, reason: 'R', message: 'm' });
    expect(observe(undefined, entry).entry).toMatchObject({
      alive: true,
      hasResult: true,
      askedToStop: true,
    });
  });

  it.each([
    ['recycled', process.pid, '1'],
    ['vanished', NOBODY, '1'],
  ])('sees a %s pid as dead', (_, pid, startTime) => {
    create();
    entry.writeProcess({ pid: hostPid(pid), startTime });
    expect(observe(undefined, entry).entry?.alive).toBe(false);
  });

  it.each(['{}', '{"pid":""}', '{"pid":-1,"startTime":"1"}', '{"startTime":""}', '[]'])(
    'sees a process file that says %s as dead',
    (text) => {
      create();
      writeFileSync(join(entry.dir, 'process.json'), text);
      expect(observe(undefined, entry).entry?.alive).toBe(false);
    },
  );

  it.each(['', '{"ok":tr'])(
    'takes a result file that says %j for none: it is settled by its steps',
    (text) => {
      create();
      writeFileSync(join(entry.dir, 'result.json'), text);
      expect(observe(undefined, entry).entry).toMatchObject({ hasResult: false, deadline: 42 });
    },
  );

  it('sees an entry that cannot be read as one without a deadline', () => {
    create();
    writeFileSync(join(entry.dir, 'operation.json'), '{');
    expect(observe(undefined, entry).entry).toEqual({
      ...{ alive: false, hasResult: false, hasLeft: false, askedToStop: false, deadline: undefined },
    });
  });
});
