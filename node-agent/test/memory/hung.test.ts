import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import { mapsOf } from '../../src/linux/maps';
import { hostPid } from '../../src/linux/ids';
import { comesTrue } from '../../src/linux/wait';
import { MemoryCopy } from '../../src/memory/copy';
import { Pool, withPool } from '../../src/memory/pool';
import { HungStore } from './hung';

/** Far below what a hung store takes; above what the threads are waited for. */
const SOON_MS = 10_000;

let store: HungStore;
beforeEach(() => (store = new HungStore()));
afterEach(() => {
  store.answer();
  store.remove();
});

const sleeps = () => comesTrue(() => store.holdsOne, SOON_MS);

it('a pool is closed although a thread hangs, and tells when that has ended', async () => {
  const pool = new Pool(2);
  let ended = false;
  const asked = pool.run((i) => (i === 0 ? store.task() : { do: 'cut', length: 0 }));
  asked.catch(() => {});
  expect(await sleeps()).toBe(true);
  await pool.close(() => (ended = true));
  expect(ended).toBe(false);
  expect(store.answer()).toBe(true);
  expect(await comesTrue(() => ended, SOON_MS)).toBe(true);
  await expect(asked).rejects.toThrow('a thread ended');
});

it('a pool that never began is closed', async () => {
  const ended = jest.fn();
  await new Pool(2, 'later').close(ended);
  expect(ended).toHaveBeenCalled();
});

it('what fails beside a thread that hangs is told without waiting for it', async () => {
  const failing = withPool(1, async (pool) => {
    pool.run(store.task).catch(() => {});
    expect(await sleeps()).toBe(true);
    throw new Error('it was not done in time');
  });
  await expect(failing).rejects.toThrow('not done in time');
  expect(store.answer()).toBe(true);
});

/** So long that no other memory of ours is. */
const STAGING_BYTES = 404 << 20;
const hasStaging = () => mapsOf(hostPid(process.pid)).some(({ start, end }) => end - start === STAGING_BYTES);

it('staging memory stays as long as a thread may write to it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'copy-'));
  mkdirSync(join(dir, artifactFile.images));
  const job = { dir, threads: 1, staging: 'memory', hugeBytes: 0, memoryBytes: STAGING_BYTES } as const;
  const copy = await MemoryCopy.begin(job);
  copy.threads.run(store.task).catch(() => {});
  expect(await sleeps()).toBe(true);
  await copy.close();
  expect(hasStaging()).toBe(true);
  expect(store.answer()).toBe(true);
  expect(await comesTrue(() => !hasStaging(), SOON_MS)).toBe(true);
  rmSync(dir, { recursive: true });
});

/** As the engine ends: a thread of its own, and one of Node's, hang. */
const HANGS = `
  const { exitNow } = require('./node-agent/src/linux/syscalls');
  const { Pool } = require('./node-agent/src/memory/pool');
  const { HungStore } = require('./node-agent/test/memory/hung');
  const store = new HungStore();
  void new Pool(1).run(store.task);
  void require('node:fs/promises').open(store.file);
  const look = () => { if (store.holdsOne) { store.remove(); exitNow(3); } };
  setInterval(look, 20);`;

it('an engine ends with its own status although threads hang', async () => {
  const child = spawn(process.execPath, ['--require', 'tsx/cjs', '--eval', HANGS], { stdio: 'inherit' });
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3 * SOON_MS);
  expect(await ended).toEqual([3, null]);
  clearTimeout(timer);
});
