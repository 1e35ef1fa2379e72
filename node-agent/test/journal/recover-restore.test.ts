import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalEntry } from '../../src/journal/entry';
import { recover } from '../../src/journal/recover';
import type { ProcessRef } from '../../src/linux/ids';
import { containerId, hostPid } from '../../src/linux/ids';
import { processRef, status } from '../../src/linux/proc';
import { readKeys } from '../../src/store/keys';
import { buildStandby } from '../../../standby/test/build';
import { until } from '../assignment/stage';

const UID = '11111111-2222-3333-4444-555555555555';
const GONE: ProcessRef = { pid: hostPid(2_000_000_000), startTime: '1' };
const isRoot = process.getuid?.() === 0;
const id = containerId('0123456789abcdef'.repeat(4));
const keys = readKeys({ keys: '', requireSignature: false, encryptWith: '' });

let dir: string;
let entry: JournalEntry;
let cgroups: string;
let children: ChildProcess[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'recover-'));
  cgroups = join(dir, 'cgroup');
  mkdirSync(join(cgroups, 'memory'), { recursive: true });
  children = [];
});
afterEach(async () => {
  await Promise.all(children.map((child) => child.kill('SIGKILL') && once(child, 'close')));
  rmSync(dir, { recursive: true });
});

function begin(): void {
  entry = new JournalEntry(join(dir, UID));
  const artifact = { namespace: 'n', identityHash: '0'.repeat(16), uid: UID };
  const artifactDir = join(dir, 'store', UID);
  const request = { operation: 'Restore' as const, artifactDir, artifact, containerId: id };
  entry.create({ request, deadline: 42, assignment: { namespace: 'n', name: 'a', uid: UID } });
}

describe('recovery of a restore', () => {
  async function standby(root = '/'): Promise<ProcessRef> {
    const program = join(dir, 'standby');
    buildStandby(program);
    const argv: [string, string[]] = root === '/' ? [program, []] : ['chroot', [root, '/standby']];
    const child = spawn(...argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    children.push(child);
    await once(child.stderr, 'data');
    const ref = processRef(hostPid(child.pid));
    if (ref === undefined) throw new Error('standby is gone');
    return ref;
  }
  const comm = (ref: ProcessRef) => readFileSync(`/proc/${ref.pid}/comm`, 'utf8').trim();
  const seed = 'ab'.repeat(32);
  const receipt = { artifactDigest: 'sha256:x', restoredPid: 22, hostPid: 4711, steps: [] };

  it('tells a standby that was never told, and finishes', async () => {
    const placeholder = await standby();
    const self = processRef(process.pid) as ProcessRef;
    begin();
    entry.appendUndo({ do: 'killRestored', id, dirs: [], freezer: '', placeholder });
    entry.appendUndo({ do: 'handOver', placeholder, root: self, receipt, seed });
    expect(comm(placeholder)).toBe('standby');
    const outcome = await recover(entry, cgroups, keys);
    expect(outcome).toMatchObject({ ok: true, result: { operation: 'Restore', receipt } });
    await until(() => comm(placeholder) === 'standby:live');
    expect(await recover(entry, cgroups, keys)).toMatchObject({ ok: true });
    expect(comm(placeholder)).toBe('standby:live');
  });

  (isRoot ? it : it.skip)('tells the worker the same seed, however often it is told', async () => {
    const placeholder = await standby(dir);
    mkdirSync(join(dir, 'snapshot-control'));
    begin();
    const self = processRef(process.pid) as ProcessRef;
    entry.appendUndo({ do: 'handOver', placeholder, root: self, receipt, seed });
    const told = () =>
      JSON.parse(readFileSync(join(dir, 'snapshot-control', 'restore-context'), 'utf8')) as object;
    for (const _ of [1, 2]) {
      await recover(entry, cgroups, keys);
      expect(told()).toMatchObject({ seed });
      rmSync(join(entry.dir, 'result.json'));
    }
  });

  it('lets a tree run that was proven and still stands still', async () => {
    const placeholder = await standby();
    const worker = spawn('sleep', ['60']);
    children.push(worker);
    await once(worker, 'spawn');
    const root = processRef(hostPid(worker.pid)) as ProcessRef;
    worker.kill('SIGSTOP');
    await until(() => status(root.pid)?.state === 'T');
    const tree = [{ hostPid: root.pid, startTime: root.startTime, pid: 1, name: 'sleep' }];
    begin();
    entry.appendUndo({ do: 'handOver', placeholder, root, receipt: { ...receipt, tree }, seed });
    expect(await recover(entry, cgroups, keys)).toMatchObject({ ok: true });
    await until(() => status(root.pid)?.state === 'S');
  });

  it.each([
    ['the restored tree is gone', true, false],
    ['the placeholder is gone', false, true],
  ])('takes it back where %s', async (_, hasPlaceholder, hasRoot) => {
    const placeholder = hasPlaceholder ? await standby() : GONE;
    const root = hasRoot ? (processRef(process.pid) as ProcessRef) : GONE;
    begin();
    entry.appendUndo({ do: 'killRestored', id, dirs: [], freezer: '', placeholder });
    entry.appendUndo({ do: 'handOver', placeholder, root, receipt, seed });
    expect(await recover(entry, cgroups, keys)).toMatchObject({ ok: false, reason: 'OperationLost' });
    if (hasPlaceholder) expect(comm(placeholder)).toBe('standby');
  });

  it('takes it back where nobody can read any more what was asked', async () => {
    const placeholder = await standby();
    const self = processRef(process.pid) as ProcessRef;
    begin();
    entry.appendUndo({ do: 'remove', path: join(dir, 'restore-x') });
    entry.appendUndo({ do: 'handOver', placeholder, root: self, receipt, seed });
    mkdirSync(join(dir, 'restore-x'));
    writeFileSync(join(entry.dir, 'operation.json'), '{');
    expect(await recover(entry, cgroups, keys)).toMatchObject({ ok: false, reason: 'OperationLost' });
    expect(existsSync(join(dir, 'restore-x'))).toBe(false);
    expect(comm(placeholder)).toBe('standby');
  });
});
