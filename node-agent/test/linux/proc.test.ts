import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostPid } from '../../src/linux/ids';
import * as proc from '../../src/linux/proc';

/** Above the largest pid that Linux gives out. */
const NOBODY = 2_000_000_000;

let dir: string;
let shell: ChildProcessWithoutNullStreams;

/** A shell that has a child; ends with its stdin. */
beforeAll(async () => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'proc-')));
  openSync(join(dir, 'open file'), 'w');
  shell = spawn('sh', ['-c', 'exec 8<&0 9<"open file"; cat <&8 & echo ready; wait'], { cwd: dir });
  await once(shell.stdout, 'data');
  // Ready is said before the child has become cat and before the shell waits for it.
  while (!settled()) await new Promise((resolve) => setImmediate(resolve));
});

afterAll(async () => {
  const ended = once(shell, 'close');
  shell.kill('SIGKILL');
  shell.stdin.end();
  await ended;
  rmSync(dir, { recursive: true });
});

const pid = () => hostPid(shell.pid);

const settled = (): boolean => {
  const [child] = proc.children(pid());
  return child !== undefined && proc.commandLine(child)[0] === 'cat' && proc.status(pid())?.state === 'S';
};

describe('a living process', () => {
  it('has a reference that is alive, and none under another start time', () => {
    const ref = proc.processRef(pid());
    expect(ref).toEqual({ pid: shell.pid, startTime: expect.stringMatching(/^[0-9]+$/) as string });
    expect(ref !== undefined && proc.isAlive(ref)).toBe(true);
    expect(ref !== undefined && proc.isAlive({ ...ref, startTime: `${Number(ref.startTime) - 1}` })).toBe(
      false,
    );
  });

  it('has a status', () => {
    const status = proc.status(pid());
    expect(status).toMatchObject({ name: 'sh', state: 'S', tracerPid: 0 });
    expect(status?.nsPids[0]).toBe(shell.pid);
    expect(status?.rssBytes).toBeGreaterThan(100_000);
  });

  it('has a tree that begins with itself', () => {
    const tree = proc.processTree(pid());
    expect(tree).toHaveLength(2);
    expect(tree[0]).toBe(shell.pid);
    expect(proc.commandLine(tree[1] ?? NOBODY)).toEqual(['cat']);
  });

  it('has its working directory, open files and mapped files as open paths', () => {
    const paths = proc.openPaths(pid());
    expect(paths).toContain(dir);
    expect(paths).toContain(join(dir, 'open file'));
    expect(
      paths.some((path) => path.includes('libc') || path.includes('/sh') || path.includes('/dash')),
    ).toBe(true);
  });

  it('has a command line with its empty and spaced arguments', () => {
    expect(proc.commandLine(pid()).slice(0, 2)).toEqual(['sh', '-c']);
    expect(proc.commandLine(pid())).toHaveLength(3);
  });

  it('has an absolute path in each of its cgroup hierarchies', () => {
    const lines = proc.cgroups(pid());
    expect(lines.length).toBeGreaterThan(0);
    for (const { path } of lines) expect(path).toMatch(/^\//);
  });
});

describe('a process that is not there', () => {
  it('is absent, not an error', () => {
    expect(proc.startTime(NOBODY)).toBeUndefined();
    expect(proc.processRef(NOBODY)).toBeUndefined();
    expect(proc.status(NOBODY)).toBeUndefined();
    expect(proc.cgroups(NOBODY)).toEqual([]);
    expect(proc.children(hostPid(NOBODY))).toEqual([]);
    expect(proc.openPaths(hostPid(NOBODY))).toEqual([]);
    expect(proc.commandLine(NOBODY)).toEqual([]);
    expect(proc.isAlive({ pid: hostPid(NOBODY), startTime: '1' })).toBe(false);
  });
});

it('adds up what is free in blocks of a huge page at least', () => {
  const text = [
    'Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      3 ',
    'Node 0, zone   Normal  36302  26942   8187   2241    254    481    244     94     10    203    463 ',
  ].join('\n');
  expect(proc.freeHugeBytes(`${text}\n`)).toBe((1 + 203) * (2 << 20) + (3 + 463) * (4 << 20));
});
