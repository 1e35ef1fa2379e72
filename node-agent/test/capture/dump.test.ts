import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '@dynamo-snapshot/controller/log';
import type { DumpPlan } from '../../src/capture/dump';
import { dump } from '../../src/capture/dump';
import { engineConfig } from '../../src/config';
import { hookFolder } from '../../src/criu/hook';
import type { EngineIo } from '../../src/engine-io';
import { Steps } from '../../src/engine-io';
import { hostPid } from '../../src/linux/ids';

/** Runs the script as CRIU does, and leaves a mark when it lets the tree go. */
const CRIU = `#!/bin/sh
here=$(dirname "$0")
while [ "$1" != --action-script ]; do shift; done
for stage in pre-dump network-lock post-dump; do
  CRTOOLS_SCRIPT_ACTION=$stage "$2" || { : > "$here/let-go"; exit 1; }
done
: > "$here/let-go"`;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dump-'));
  mkdirSync(join(dir, 'criu'));
  writeFileSync(join(dir, 'fake-criu'), CRIU, { mode: 0o700 });
});
afterEach(() => rmSync(dir, { recursive: true }));

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

function io(seconds = 600): EngineIo {
  const { signal } = new AbortController();
  return {
    config: engineConfig({ SNAPSHOT_WORK: dir }),
    log: silent,
    deadline: Date.now() + seconds * 1000,
    signal,
    willUndo: () => {},
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
  expect(statSync(join(dir, 'let-go')).mtimeMs).toBeLessThan(until - 1000);
});

it('or when its probe allows no more', async () => {
  const dumping = dump(plan({ budgetSeconds: 3 }), io(), () => {
    hang(4);
    return Promise.resolve();
  });
  await expect(dumping).rejects.toMatchObject({ reason: 'StoodStillTooLong' });
});
