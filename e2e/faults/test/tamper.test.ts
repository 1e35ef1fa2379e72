import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Lab } from '../lab';
import { tamper } from '../tamper';

let sharedDir: string;
beforeEach(() => {
  sharedDir = mkdtempSync(join(tmpdir(), 'tamper-'));
  for (const folder of ['criu', 'pages']) mkdirSync(join(sharedDir, 'a', folder), { recursive: true });
  writeFileSync(join(sharedDir, 'a/criu/core-1.img'), 'abc');
  writeFileSync(join(sharedDir, 'a/pages/shard-0'), '');
  writeFileSync(join(sharedDir, 'a/pages/shard-1'), 'abc');
});
afterEach(() => rmSync(sharedDir, { recursive: true }));

const lab = (location?: string): Pick<Lab, 'kube' | 'cluster'> =>
  ({ cluster: { sharedDir }, kube: { get: () => Promise.resolve({ status: { location } }) } }) as never;
const content = (path: string): string => readFileSync(join(sharedDir, 'a', path), 'latin1');

it.each([
  ['criu/core-', 'criu/core-1.img'],
  ['pages/shard-', 'pages/shard-1'],
])('%s: a byte of a file that has bytes is another one, and then what it was', async (beginning, path) => {
  const putBack = await tamper(lab('a'), 'c', beginning);
  expect(content(path)).toBe('a\x9dc');
  putBack();
  expect(content(path)).toBe('abc');
});

it('nothing is struck where there is nothing to strike', async () => {
  await expect(tamper(lab('a'), 'c', 'pages/index')).rejects.toThrow('no file pages/index');
  await expect(tamper(lab(), 'c', 'criu/core-')).rejects.toThrow('has no artifact');
});
