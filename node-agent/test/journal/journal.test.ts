import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OperationFile, UndoStep } from '../../src/journal/entry';
import { JournalEntry } from '../../src/journal/entry';
import { takeBack } from '../../src/journal/undo';
import { containerId, hostPid } from '../../src/linux/ids';
import { processRef, status } from '../../src/linux/proc';

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
    expect([entry.process(), entry.status(), entry.result(), entry.undoSteps(), entry.cancelled]).toEqual([
      undefined,
      undefined,
      undefined,
      [],
      false,
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
    entry.askToCancel();
    expect(entry.status()).toEqual(last);
    expect(entry.result()).toEqual({ ok: false, reason: 'R', message: 'm' });
    expect(entry.cancelled).toBe(true);
    expect(readdirSync(entry.dir).sort()).toEqual(['cancel', 'operation.json', 'result.json', 'status.json']);
  });

  it('names a file that cannot be read', () => {
    entry.create(operation);
    writeFileSync(join(entry.dir, 'result.json'), '{');
    expect(() => entry.result()).toThrow('result.json');
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

describe('takeBack', () => {
  it('removes a staging folder, and may do so again', () => {
    const path = join(dir, '.staging-u');
    mkdirSync(join(path, 'criu'), { recursive: true });
    takeBack({ do: 'remove', path });
    takeBack({ do: 'remove', path });
    expect(existsSync(path)).toBe(false);
  });

  it.each(['u', '.staging-u/..', '.staging-u/criu', ''])('removes nothing at %j', (name) => {
    mkdirSync(join(dir, 'u'), { recursive: true });
    mkdirSync(join(dir, '.staging-u', 'criu'), { recursive: true });
    expect(() => takeBack({ do: 'remove', path: `${dir}/${name}` })).toThrow('no staging folder');
    expect(readdirSync(dir).sort()).toEqual(['.staging-u', 'u']);
  });

  it('thaws, and finds nothing to do where the container is gone', () => {
    writeFileSync(join(dir, 'cgroup.freeze'), '1');
    takeBack({ do: 'thaw', freezer: dir });
    takeBack({ do: 'thaw', freezer: join(dir, 'gone') });
    expect(readFileSync(join(dir, 'cgroup.freeze'), 'utf8')).toBe('0');
    expect(existsSync(join(dir, 'gone'))).toBe(false);
  });

  it('kills nothing where the placeholder is gone', () => {
    const kill = jest.spyOn(process, 'kill').mockImplementation(() => true);
    writeFileSync(join(dir, 'cgroup.procs'), '2000000001\n');
    takeBack({
      do: 'killRestored',
      id: containerId('0123456789abcdef'.repeat(4)),
      dirs: [dir],
      freezer: dir,
      placeholder: { pid: hostPid(2_000_000_000), startTime: '1' },
    });
    expect(kill).not.toHaveBeenCalled();
    kill.mockRestore();
  });

  it('continues the very process that was stopped, and no other one with its number', async () => {
    const child = spawn('sh', ['-c', 'echo ready; kill -STOP $$; echo resumed; read x'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    try {
      await once(child.stdout, 'data');
      const ref = processRef(hostPid(child.pid));
      if (ref === undefined) throw new Error('the child is gone');
      while (status(ref.pid)?.state !== 'T') await new Promise((resolve) => setImmediate(resolve));
      takeBack({ do: 'continue', processes: [{ ...ref, startTime: '1' }] });
      expect(status(ref.pid)?.state).toBe('T');
      const resumed = once(child.stdout, 'data');
      takeBack({ do: 'continue', processes: [ref] });
      expect(String(await resumed)).toBe('resumed\n');
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  });
});
