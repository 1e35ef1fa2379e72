import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '@dynamo-snapshot/controller/log';
import type { DumpPlan } from '../../src/capture/dump';
import { dump } from '../../src/capture/dump';
import type { MemoryDump, Source } from '../../src/capture/memory';
import { dumpWithMemory } from '../../src/capture/memory';
import { engineConfig } from '../../src/config';
import { hookFolder } from '../../src/criu/hook';
import type { EngineIo } from '../../src/engine-io';
import { Steps } from '../../src/engine-io';
import type { UndoStep } from '../../src/journal/step';
import { hostPid } from '../../src/linux/ids';
import { comesTrue } from '../../src/linux/wait';
import { HungStore } from '../memory/hung';

/** Runs the script as CRIU does, and leaves marks: that it was asked, and when it let the tree go. */
const CRIU = `#!/bin/sh
here=$(dirname "$0")
: > "$here/asked"
while [ "$1" != --action-script ]; do shift; done
for stage in pre-dump network-lock post-dump; do
  CRTOOLS_SCRIPT_ACTION=$stage "$2" || { : > "$here/let-go"; exit 1; }
done
: > "$here/let-go"`;

let dir: string;
let undo: UndoStep[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dump-'));
  undo = [];
  mkdirSync(join(dir, 'criu'));
  writeFileSync(join(dir, 'fake-criu'), CRIU, { mode: 0o700 });
});
afterEach(() => rmSync(dir, { recursive: true }));

const mark = (name: 'asked' | 'let-go'): string => join(dir, name);

function plan(more: Partial<DumpPlan> = {}): DumpPlan {
  return {
    program: { path: join(dir, 'fake-criu'), env: {}, version: '4.2' },
    pid: hostPid(process.pid),
    images: join(dir, 'criu'),
    freezer: '/nowhere',
    netInode: 1,
    externalMounts: [],
    join: [],
    hookDir: hookFolder(dir, '11111111-2222-3333-4444-555555555555'),
    ...more,
  };
}

function io(seconds = 600, { signal } = new AbortController()): EngineIo {
  return {
    config: engineConfig({ SNAPSHOT_WORK: dir }),
    log: silent,
    deadline: Date.now() + seconds * 1000,
    signal,
    willUndo: (step) => void undo.push(step),
    steps: new Steps(() => {}, signal),
  };
}

/** As a write to a store that does not answer: nothing else of us goes on either. */
const hang = (seconds: number): void => void execFileSync('sleep', [String(seconds)]);

it('a source goes on at the deadline although the engine itself hangs on the store', async () => {
  let until = 0;
  const dumping = dump(plan(), io(1), () => {
    hang(5);
    until = Date.now();
    return Promise.resolve();
  });
  await expect(dumping).rejects.toMatchObject({ reason: 'DeadlineExceeded' });
  expect(statSync(mark('let-go')).mtimeMs).toBeLessThan(until - 1000);
});

it('or when its probe allows no more', async () => {
  const dumping = dump(plan({ budgetSeconds: 10, spentSeconds: 7 }), io(), () => {
    hang(4);
    return Promise.resolve();
  });
  await expect(dumping).rejects.toMatchObject({ reason: 'StoodStillTooLong' });
});

it('nobody reads on the store what CRIU said where the dump was to stop', async () => {
  const stop = new AbortController();
  const log = join(dir, 'criu', 'dump.log');
  execFileSync('mkfifo', [log]);
  const answering = spawn('sh', ['-c', 'sleep 10; : > "$0"', log], { stdio: 'ignore' });
  const from = Date.now();
  const dumping = dump(plan(), io(600, stop), () => Promise.resolve());
  stop.abort(new Error('cancelled'));
  await expect(dumping).rejects.toThrow('cancelled');
  expect(Date.now() - from).toBeLessThan(8000);
  answering.kill();
});

it('no dump is begun for which the GPU leaves no time', async () => {
  const dumping = dump(plan({ budgetSeconds: 10, spentSeconds: 8 }), io(), () => Promise.resolve());
  await expect(dumping).rejects.toMatchObject({ reason: 'StoodStillTooLong' });
  expect({ asked: existsSync(mark('asked')), undo }).toEqual({ asked: false, undo: [] });
});

const job = (): MemoryDump => ({
  dir,
  plan: plan({ budgetSeconds: 10 }),
  processes: [],
  gpuBytes: 0,
  sourceEnds: false,
  whileFrozen: () => Promise.resolve(),
});

const source = (stop: Source['stop'] = () => Promise.resolve()): Source => ({
  ready: () => Promise.resolve(),
  stop,
  resume: () => Promise.reject(new Error('it is given back by whoever hears of the failure')),
  spentSeconds: () => 8,
});

it.each(['criu', 'split'] as const)('what its GPU takes is counted, pages: %s', async (pages) => {
  const asking = { ...io(), config: { ...io().config, pages } };
  await expect(dumpWithMemory(job(), asking, source())).rejects.toMatchObject({
    reason: 'StoodStillTooLong',
  });
  expect(existsSync(mark('asked'))).toBe(false);
});

it('a failure is told although a thread hangs on the store, so that the source is given back', async () => {
  const store = new HungStore();
  const stopped = source(async (threads) => {
    threads?.run(store.task).catch(() => {});
    expect(await comesTrue(() => store.holdsOne, 10_000)).toBe(true);
  });
  await expect(dumpWithMemory(job(), io(), stopped)).rejects.toMatchObject({ reason: 'StoodStillTooLong' });
  expect(store.answer()).toBe(true);
  store.remove();
});
