import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OperationFile } from '../../src/journal/entry';
import { JournalEntry } from '../../src/journal/entry';
import type { UndoStep } from '../../src/journal/step';

const operation: OperationFile = {
  request: {
    operation: 'Delete',
    artifactDir: '/store/n/h/u',
    artifact: { namespace: 'n', identityHash: 'h', uid: 'u' },
  },
  deadline: 1_000,
  assignment: { namespace: 'n', name: 'a', uid: 'u' },
};

let dir: string;
let entry: JournalEntry;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'journal-'));
  entry = new JournalEntry(join(dir, 'u'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('JournalEntry', () => {
  it('exists once it says what was asked', () => {
    expect(entry.exists).toBe(false);
    expect(() => entry.operation()).toThrow();
    entry.create(operation);
    expect(entry.exists).toBe(true);
    expect(entry.operation()).toEqual(operation);
  });

  it('has nothing that was not written yet', () => {
    entry.create(operation);
    expect([entry.process(), entry.status(), entry.result(), entry.undoSteps(), entry.stopMark()]).toEqual([
      undefined,
      undefined,
      undefined,
      [],
      undefined,
    ]);
  });

  it('gives back what was written last, and leaves no part of it beside', () => {
    entry.create(operation);
    entry.writeStatus({
      progress: { step: 'dump', summary: 'dump 100%' },
      timings: [{ step: 'observe', seconds: 12 }],
    });
    const last = { progress: { step: 'x', summary: 'x' }, timings: [] };
    entry.writeStatus(last);
    entry.writeResult({ ok: false, reason: 'R', message: 'm' });
    entry.askToStop({ reason: 'Cancelled', message: 'm' });
    expect(entry.status()).toEqual(last);
    expect(entry.result()).toEqual({ ok: false, reason: 'R', message: 'm' });
    expect(entry.stopMark()).toEqual({ reason: 'Cancelled', message: 'm' });
    expect(readdirSync(entry.dir).sort()).toEqual(['cancel', 'operation.json', 'result.json', 'status.json']);
  });

  it.each(['', '{', 'null', '{}', '{"request":{},"deadline":1}'])(
    'does not know what was asked where the file says %j, and names it',
    (text) => {
      entry.create(operation);
      writeFileSync(join(entry.dir, 'operation.json'), text);
      expect(entry.exists).toBe(true);
      expect(entry.asked()).toBeUndefined();
      expect(() => entry.operation()).toThrow('operation.json');
    },
  );

  it.each(['', '{"a', 'null'])('takes another file that says %j for one that was not written', (text) => {
    entry.create(operation);
    for (const name of ['status.json', 'cancel', 'process.json', 'result.json'])
      writeFileSync(join(entry.dir, name), text);
    expect([entry.status(), entry.stopMark(), entry.process(), entry.result()]).toEqual(
      Array(4).fill(undefined),
    );
  });

  it('keeps the steps in their order', () => {
    const steps: UndoStep[] = [
      { do: 'remove', path: '/store/.staging-u' },
      { do: 'thaw', freezer: '/cg' },
    ];
    entry.create(operation);
    for (const step of steps) entry.appendUndo(step);
    expect(entry.undoSteps()).toEqual(steps);
  });

  it('leaves out a last step that a crash has torn', () => {
    entry.create(operation);
    entry.appendUndo({ do: 'thaw', freezer: '/cg' });
    appendFileSync(join(entry.dir, 'undo.ndjson'), '{"do":"remo');
    expect(entry.undoSteps()).toEqual([{ do: 'thaw', freezer: '/cg' }]);
  });
});
