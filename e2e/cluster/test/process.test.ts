import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify, isRunning, parseStat, signalProcess } from '../process';

const statLine = (startTime: string, state = 'S', name = 'worker'): string =>
  `77 (${name}) ${state} 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 ${startTime} 1000 200\n`;

let proc = '';

beforeEach(async () => {
  proc = await mkdtemp(join(tmpdir(), 'proc-'));
});

afterEach(async () => {
  await rm(proc, { recursive: true });
});

async function give(pid: number, line: string): Promise<void> {
  await mkdir(join(proc, String(pid)), { recursive: true });
  await writeFile(join(proc, String(pid), 'stat'), line);
}

it.each([
  ['a plain name', statLine('4711'), '4711'],
  ['a name with spaces and parentheses', statLine('4711', 'S', 'a) R 1 (b c)'), '4711'],
])('reads the start time after %s', (_, line, startTime) => {
  expect(parseStat(line)?.startTime).toBe(startTime);
});

it.each(['', '77', '77 (cut off', '77 (x) S 1 2 3', statLine('x')])('takes "%s" for no stat line', (line) => {
  expect(parseStat(line)).toBeUndefined();
});

it.each([0, 1, -1, 1.5, NaN])('has no identity for the number %s', async (pid) => {
  await give(pid, statLine('5'));
  expect(await identify(pid, proc)).toBeUndefined();
});

it('has no identity for a zombie', async () => {
  await give(77, statLine('5', 'Z'));
  expect(await identify(77, proc)).toBeUndefined();
});

it('knows this very process', async () => {
  const self = await identify(process.pid);
  expect(self?.pid).toBe(process.pid);
  expect(await isRunning(self)).toBe(true);
});

describe('signalling', () => {
  const kill = jest.fn();
  beforeEach(() => kill.mockClear());

  it('reaches the process that was meant', async () => {
    await give(77, statLine('5'));
    expect(await signalProcess({ pid: 77, startTime: '5' }, 'SIGTERM', { proc, kill })).toBe(true);
    expect(kill).toHaveBeenCalledWith(77, 'SIGTERM');
  });

  it('spares another process that was given the same number', async () => {
    await give(77, statLine('6'));
    expect(await signalProcess({ pid: 77, startTime: '5' }, 'SIGKILL', { proc, kill })).toBe(false);
    expect(kill).not.toHaveBeenCalled();
  });

  it('does nothing for a vanished process', async () => {
    expect(await signalProcess({ pid: 77, startTime: '5' }, 'SIGKILL', { proc, kill })).toBe(false);
    expect(kill).not.toHaveBeenCalled();
  });

  it('does nothing for an unknown process', async () => {
    expect(await signalProcess(undefined, 'SIGKILL', { proc, kill })).toBe(false);
    expect(kill).not.toHaveBeenCalled();
  });

  it.each([0, 1, -5])('never signals the number %s, whatever stands there', async (pid) => {
    await give(pid, statLine('5'));
    expect(await signalProcess({ pid, startTime: '5' }, 'SIGKILL', { proc, kill })).toBe(false);
    expect(kill).not.toHaveBeenCalled();
  });
});
