import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Request } from '../../src/engine';
import { JournalEntry } from '../../src/journal/entry';
import { groupMembers, makeGroups, removeGroups } from '../../src/journal/group';
import { recover } from '../../src/journal/recover';
import type { ProcessRef } from '../../src/linux/ids';
import { containerId, hostPid } from '../../src/linux/ids';
import { processRef, status } from '../../src/linux/proc';
import { until } from '../assignment/stage';
import { manifestOf } from './manifest';
import { readKeys } from '../../src/store/keys';
import { sealOf } from '../../src/store/seal';

const UID = '11111111-2222-3333-4444-555555555555';
const GONE: ProcessRef = { pid: hostPid(2_000_000_000), startTime: '1' };
const id = containerId('0123456789abcdef'.repeat(4));

let dir: string;
let entry: JournalEntry;
let cgroups: string;
let children: ChildProcess[];

const artifact = { namespace: 'n', identityHash: '0'.repeat(16), uid: UID };
const final = () => join(dir, 'store', UID);
const staging = () => join(dir, 'store', `.staging-${UID}`);

const capture = (): Request => ({
  operation: 'Capture',
  ...{ artifactDir: final(), stagingDir: staging(), artifact, containerId: id, afterCapture: 'KeepRunning' },
});
const restore = (): Request => ({ operation: 'Restore', artifactDir: final(), artifact, containerId: id });

function begin(request: Request): void {
  entry = new JournalEntry(join(dir, UID));
  entry.create({ request, deadline: 42, assignment: { namespace: 'n', name: 'a', uid: UID } });
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'recover-'));
  cgroups = join(dir, 'cgroup');
  mkdirSync(join(cgroups, 'memory'), { recursive: true });
  mkdirSync(staging(), { recursive: true });
  children = [];
});
afterEach(async () => {
  await Promise.all(children.map((child) => child.kill('SIGKILL') && once(child, 'close')));
  rmSync(dir, { recursive: true });
});

const keys = readKeys({ keys: '', requireSignature: false, encryptWith: '' });

function writeManifest(): void {
  const text = JSON.stringify(manifestOf(artifact, id));
  writeFileSync(join(final(), 'manifest.json'), text);
  writeFileSync(join(final(), 'seal.json'), JSON.stringify(sealOf(text, undefined)));
}

describe('recovery of a capture', () => {
  it('takes everything back before the artifact is in its place', async () => {
    begin(capture());
    entry.appendUndo({ do: 'remove', path: staging() });
    entry.appendUndo({ do: 'publish', path: final() });
    expect(await recover(entry, cgroups, keys)).toMatchObject({ ok: false, reason: 'OperationLost' });
    expect(readdirSync(join(dir, 'store'))).toEqual([]);
    expect(entry.result()).toMatchObject({ reason: 'OperationLost' });
  });

  it('finishes what was published: the artifact is whole', async () => {
    begin(capture());
    entry.appendUndo({ do: 'remove', path: staging() });
    entry.appendUndo({ do: 'publish', path: final() });
    rmSync(staging(), { recursive: true });
    mkdirSync(final());
    writeManifest();
    writeFileSync(join(final(), 'rootfs.tar'), 'x');
    const outcome = await recover(entry, cgroups, keys);
    expect(outcome).toMatchObject({
      ok: true,
      result: {
        operation: 'Capture',
        sizeBytes: 7,
        pausedSeconds: 0.25,
        source: { image: 'i', nodeName: 'node' },
      },
    });
    expect(entry.result()).toEqual(outcome);
    expect(existsSync(final())).toBe(true);
  });

  it('takes an artifact back that is in its place and not whole', async () => {
    begin(capture());
    entry.appendUndo({ do: 'remove', path: staging() });
    entry.appendUndo({ do: 'publish', path: final() });
    mkdirSync(final());
    writeManifest();
    writeFileSync(join(final(), 'rootfs.tar'), 'y');
    expect(await recover(entry, cgroups, keys)).toMatchObject({ ok: false, reason: 'OperationLost' });
    expect(existsSync(final())).toBe(false);
  });

  it('does not take an artifact for its own that it has not published', async () => {
    begin(capture());
    entry.appendUndo({ do: 'remove', path: staging() });
    mkdirSync(final());
    writeManifest();
    expect(await recover(entry, cgroups, keys)).toMatchObject({ ok: false });
    expect(existsSync(final())).toBe(true);
  });

  it('says what could not be taken back, and takes it back when it can', async () => {
    begin(capture());
    entry.appendUndo({ do: 'remove', path: staging() });
    rmSync(join(dir, 'store'), { recursive: true });
    const left = [expect.stringContaining('is not there')];
    expect(await recover(entry, cgroups, keys)).toMatchObject({ reason: 'OperationLost', left });
    expect(await recover(entry, cgroups, keys)).toMatchObject({ left });
    mkdirSync(staging(), { recursive: true });
    const outcome = await recover(entry, cgroups, keys);
    expect(outcome).not.toHaveProperty('left');
    expect(entry.result()).toEqual(outcome);
    expect(existsSync(staging())).toBe(false);
  });

  it('keeps the reason of an operation that ended by itself and left something', async () => {
    begin(capture());
    entry.appendUndo({ do: 'remove', path: staging() });
    entry.appendUndo({ do: 'publish', path: final() });
    entry.writeResult({ ok: false, reason: 'DumpFailed', message: 'no', left: ['x'] });
    expect(await recover(entry, cgroups, keys)).toEqual({ ok: false, reason: 'DumpFailed', message: 'no' });
    expect(existsSync(staging())).toBe(false);
  });
});

/** The machine's own hierarchies, where root may make groups in them. */
const CGROUPS = '/sys/fs/cgroup';
const isRoot = process.getuid?.() === 0;
const mayMakeGroups = isRoot && existsSync(CGROUPS);

(mayMakeGroups ? describe : describe.skip)('recovery while something of the operation still runs', () => {
  const uid = randomUUID();
  const hook = () => join(dir, `hook-${uid}`);
  /** Returns when the process is in the groups. */
  const inGroup = async (script: string): Promise<void> => {
    const procs = makeGroups(CGROUPS, uid).map((group) => join(group, 'cgroup.procs'));
    const join_ = 'hook=$1; shift; for f in "$@"; do echo 0 > "$f" || exit 125; done; echo in;';
    const child = spawn('sh', ['-c', join_ + script, 'sh', hook(), ...procs], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
  };

  beforeEach(() => {
    mkdirSync(hook());
    entry = new JournalEntry(join(dir, uid));
    entry.create({ request: capture(), deadline: 42, assignment: { namespace: 'n', name: 'a', uid } });
  });
  afterEach(() => until(() => removeGroups(CGROUPS, uid)));

  it('kills what holds no source, first of all', async () => {
    await inGroup('exec sleep 60');
    await recover(entry, CGROUPS, keys);
    expect(groupMembers(CGROUPS, uid)).toEqual([]);
  });

  it('waits for a CRIU that has touched the source until it has let go, and kills it not', async () => {
    entry.appendUndo({ do: 'endDump', hook: hook() });
    writeFileSync(join(hook(), 'at-network-lock'), '');
    const marks = `: > "$hook/../let-go"`;
    await inGroup(`while [ ! -e "$hook/stop" ]; do sleep 0.01; done; sleep 0.3; ${marks}; exit 0`);
    expect(await recover(entry, CGROUPS, keys)).toMatchObject({ reason: 'OperationLost' });
    expect(existsSync(join(dir, 'let-go'))).toBe(true);
    expect(existsSync(hook())).toBe(false);
  });
});

const STANDBY = resolve(__dirname, '../../../standby/standby.c');

describe('recovery of a restore', () => {
  async function standby(root = '/'): Promise<ProcessRef> {
    const program = join(dir, 'standby');
    execFileSync('gcc', ['-static', '-o', program, STANDBY]);
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
    begin(restore());
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
    begin(restore());
    const self = processRef(process.pid) as ProcessRef;
    entry.appendUndo({ do: 'handOver', placeholder, root: self, receipt, seed });
    const told = () =>
      JSON.parse(readFileSync(join(dir, 'snapshot-control', 'restore-context'), 'utf8')) as object;
    for (const _time of [1, 2]) {
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
    begin(restore());
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
    begin(restore());
    entry.appendUndo({ do: 'killRestored', id, dirs: [], freezer: '', placeholder });
    entry.appendUndo({ do: 'handOver', placeholder, root, receipt, seed });
    expect(await recover(entry, cgroups, keys)).toMatchObject({ ok: false, reason: 'OperationLost' });
    if (hasPlaceholder) expect(comm(placeholder)).toBe('standby');
  });
});
