import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { throttle } from '../throttle';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'throttle-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const group = (name: string, quota?: string): string => {
  mkdirSync(join(dir, name));
  if (quota !== undefined) writeFileSync(join(dir, name, 'cpu.cfs_quota_us'), `${quota}\n`);
  if (quota !== undefined) writeFileSync(join(dir, name, 'cpu.cfs_period_us'), '100000\n');
  return join(dir, name);
};
const limits = (name: string): readonly number[] =>
  ['quota', 'period'].map((what) => Number(readFileSync(join(dir, name, `cpu.cfs_${what}_us`), 'utf8')));

it('gives a small part of a processor, and then what there was before', () => {
  const groups = [group('free', '-1'), group('limited', '50000'), group('pids')];
  const fullSpeed = throttle(groups);
  expect([limits('free'), limits('limited')]).toEqual([
    [1000, 25_000],
    [1000, 25_000],
  ]);
  fullSpeed();
  expect([limits('free'), limits('limited')]).toEqual([
    [-1, 100_000],
    [50_000, 100_000],
  ]);
});

it('has nothing to give back to a group that has gone', () => {
  const gone = group('gone', '-1');
  const fullSpeed = throttle([gone]);
  rmSync(gone, { recursive: true });
  expect(fullSpeed).not.toThrow();
});
