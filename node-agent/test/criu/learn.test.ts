import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@dynamo-snapshot/controller/log';
import { learnKernel } from '../../src/criu/learn';

let dir: string;
let warnings: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'learn-'));
  warnings = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

const log = { warn: (message: string) => void warnings.push(message) } as unknown as Log;

async function learn(check: string): Promise<void> {
  const criu = join(dir, 'criu');
  writeFileSync(criu, `#!/bin/sh\n[ "$1" = --version ] && echo "Version: 4.2.1" && exit\n${check}\n`);
  chmodSync(criu, 0o755);
  await learnKernel({ criu, rlimitShim: '/shim.so' }, log);
}

it('has CRIU look at the kernel', async () => {
  await learn(`echo "$1" > ${dir}/asked`);
  expect(readFileSync(join(dir, 'asked'), 'utf8')).toBe('check\n');
  expect(warnings).toEqual([]);
});

it('tells what CRIU misses, and goes on', async () => {
  await learn('echo "Error: no such feature" >&2; exit 1');
  expect(warnings).toEqual(['criu check: exit 1: Error: no such feature']);
});

it('goes on without a CRIU that can be run', async () => {
  await learnKernel({ criu: join(dir, 'none'), rlimitShim: '' }, log);
  expect(warnings).toHaveLength(1);
  expect(existsSync(join(dir, 'asked'))).toBe(false);
});
