import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostPid } from '../../src/linux/ids';
import type { Limits } from '../../src/linux/limits';
import { copyLimits, limitDifferences, limitsOf, parseLimits, within } from '../../src/linux/limits';

describe('parseLimits', () => {
  it('reads soft and hard limits of every resource, whatever its name is made of', () => {
    const text = [
      'Limit                     Soft Limit           Hard Limit           Units     ',
      'Max cpu time              unlimited            unlimited            seconds   ',
      'Max open files            1024                 524288               files     ',
      'Max nice priority         0                    0                    ',
    ].join('\n');
    expect(parseLimits(text)).toEqual({
      'cpu time': ['unlimited', 'unlimited'],
      'open files': ['1024', '524288'],
      'nice priority': ['0', '0'],
    });
    expect(parseLimits('')).toEqual({});
  });
});

describe('within', () => {
  it.each([
    [
      ['10', '20'],
      ['1', '30'],
      ['10', '20'],
    ],
    [
      ['10', '40'],
      ['1', '30'],
      ['10', '30'],
    ],
    [
      ['40', 'unlimited'],
      ['1', '30'],
      ['30', '30'],
    ],
    [
      ['unlimited', 'unlimited'],
      ['1', 'unlimited'],
      ['unlimited', 'unlimited'],
    ],
  ])('%j below %j is %j', (wanted, now, expected) => {
    expect(within(wanted, now)).toEqual(expected);
  });
});

const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;
describeAsRoot('copyLimits', () => {
  let child: ChildProcess;
  const start = async (uid: number): Promise<ReturnType<typeof hostPid>> => {
    child = spawn('sh', ['-c', 'echo up; read line'], { uid, gid: uid, cwd: '/' });
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return hostPid(child.pid);
  };
  afterEach(async () => {
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
  });

  it.each([0, 1000])(
    'gives a process of user %d what it had, and leaves our own ids as they were',
    async (uid) => {
      const pid = await start(uid);
      const wanted: Limits = { ...limitsOf(pid), 'open files': ['123', '456'], 'core file size': ['0', '0'] };
      copyLimits(pid, wanted);
      expect(limitDifferences(wanted, limitsOf(pid))).toEqual([]);
      expect([process.getuid?.(), process.geteuid?.(), process.getgid?.()]).toEqual([0, 0, 0]);
    },
  );

  it('tells what could not be had', async () => {
    const pid = await start(0);
    copyLimits(pid, { ...limitsOf(pid), 'open files': ['100', '200'] });
    const wanted: Limits = { 'open files': ['150', '300'] };
    copyLimits(pid, wanted);
    const mayRaise = limitsOf(pid)['open files']?.[1] === '300';
    expect(limitDifferences(wanted, limitsOf(pid))).toEqual(
      mayRaise ? [] : ['limit of open files is 150:200, not 150:300'],
    );
  });
});
