import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Request } from '../../src/engine';
import { JournalEntry } from '../../src/journal/entry';
import { groupMembers, makeGroups, removeGroups } from '../../src/journal/group';
import { recover } from '../../src/journal/recover';
import { containerId } from '../../src/linux/ids';
import { until } from '../assignment/stage';
import { manifestOf } from './manifest';
import { readKeys } from '../../src/store/keys';
import { sealOf } from '../../src/store/seal';

const UID = '11111111-2222-3333-4444-555555555555';
const id = containerId('0123456789abcdef'.repeat(4));

let dir: string;
let entry: JournalEntry;
let cgroups: string;

const artifact = { namespace: 'n', identityHash: '0'.repeat(16), uid: UID };
const final = () => join(dir, 'store', UID);
const staging = () => join(dir, 'store', `.staging-${UID}`);

const capture = (): Request => ({
  operation: 'Capture',
  ...{ artifactDir: final(), stagingDir: staging(), artifact, containerId: id, afterCapture: 'KeepRunning' },
});

function begin(request: Request): void {
  entry = new JournalEntry(join(dir, UID));
  entry.create({ request, deadline: 42, assignment: { namespace: 'n', name: 'a', uid: UID } });
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'recover-'));
  cgroups = join(dir, 'cgroup');
  mkdirSync(join(cgroups, 'memory'), { recursive: true });
  mkdirSync(staging(), { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));

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
    const left = [{ step: 'remove', why: expect.stringContaining('is not there') as string }];
    expect(await recover(entry, cgroups, keys)).toMatchObject({ reason: 'OperationLost', left });
    const { ino } = statSync(join(entry.dir, 'result.json'));
    expect(await recover(entry, cgroups, keys)).toMatchObject({ left });
    // Written again, it would wake the agent, which would try again without a pause.
    expect(statSync(join(entry.dir, 'result.json')).ino).toBe(ino);
    mkdirSync(staging(), { recursive: true });
    const outcome = await recover(entry, cgroups, keys);
    expect(outcome).not.toHaveProperty('left');
    expect(entry.result()).toEqual(outcome);
    expect(existsSync(staging())).toBe(false);
  });

  it("does not repeat what was taken back already: it may meet what is somebody else's by now", async () => {
    begin(capture());
    const done = join(dir, 'store', '.staging-done');
    entry.appendUndo({ do: 'endDump', hook: join(dir, 'hook-u') });
    entry.appendUndo({ do: 'remove', path: done });
    mkdirSync(done, { recursive: true });
    const left = [{ step: 'endDump', why: 'busy' }] as const;
    entry.writeResult({ ok: false, reason: 'DumpFailed', message: 'no', left, endedAt: 1 });
    await recover(entry, cgroups, keys);
    expect(existsSync(done)).toBe(true);
  });

  it('keeps the time of the first verdict, however often it is tried', async () => {
    begin(capture());
    entry.appendUndo({ do: 'remove', path: '/etc' });
    const first = await recover(entry, cgroups, keys);
    expect(first).toMatchObject({ endedAt: expect.any(Number) as number });
    expect(await recover(entry, cgroups, keys)).toEqual(first);
  });

  it('keeps the reason of an operation that ended by itself and left something', async () => {
    begin(capture());
    entry.appendUndo({ do: 'remove', path: staging() });
    entry.appendUndo({ do: 'publish', path: final() });
    entry.writeResult({
      ok: false,
      reason: 'DumpFailed',
      message: 'no',
      left: [{ step: 'remove', why: 'x' }],
    });
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

  it.each([
    ['', false],
    [', also where nobody can read what was asked', true],
  ])('kills what holds no source, first of all%s', async (_, isSpoilt) => {
    if (isSpoilt) writeFileSync(join(entry.dir, 'operation.json'), '');
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
