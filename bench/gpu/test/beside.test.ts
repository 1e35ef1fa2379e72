import {
  chmodSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesBeside } from '../vllm/beside';

const dir = mkdtempSync(join(tmpdir(), 'beside-'));
const shm = mkdtempSync(join(tmpdir(), 'beside-shm-'));
afterAll(() => [dir, shm].forEach((path) => rmSync(path, { recursive: true })));
const log = join(dir, 'log');
const file = (name: string) => join(shm, name);

let beside: FilesBeside;
beforeEach(() => {
  for (const name of readdirSync(shm)) rmSync(file(name));
  writeFileSync(file('sem.of-somebody-else'), 'other');
  writeFileSync(log, 'started\n');
  beside = new FilesBeside(log, shm);
  writeFileSync(file('sem.ours'), 'then');
  chmodSync(file('sem.ours'), 0o600);
  linkSync(file('sem.ours'), file('link_remap.7'));
  writeFileSync(file('psm_ours'), 'no semaphore');
  beside.keep();
});

it('lays out what a restore needs and uses up, as it was when it was kept', () => {
  writeFileSync(file('sem.ours'), 'later');
  rmSync(file('link_remap.7'));
  beside.layOut();
  beside.layOut();
  expect(readFileSync(file('link_remap.7'), 'utf8')).toBe('then');
  expect(statSync(file('link_remap.7')).mode & 0o7777).toBe(0o600);
});

it('keeps two names of one file two names of one file', () => {
  beside.layOut();
  expect(statSync(file('link_remap.7')).ino).toBe(statSync(file('sem.ours')).ino);
});

it('takes away what came since, but nothing of others', () => {
  writeFileSync(file('sem.ours.cr.1.ghost'), '');
  beside.layOut();
  expect(readdirSync(shm).sort()).toEqual(['link_remap.7', 'psm_ours', 'sem.of-somebody-else', 'sem.ours']);
});

it('cuts the log back', () => {
  writeFileSync(log, 'started\nmore\n');
  beside.layOut();
  expect(readFileSync(log, 'utf8')).toBe('started\n');
});
