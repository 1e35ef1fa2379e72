import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { ContainerCgroups } from '../../src/linux/cgroup';
import { containerCgroups, isFrozen, killLeftovers, thaw } from '../../src/linux/cgroup';
import { containerId, hostPid } from '../../src/linux/ids';
import * as proc from '../../src/linux/proc';

jest.mock('../../src/linux/proc');
const known = jest.mocked(proc);

const HEX = '0123456789abcdef'.repeat(4);
const id = containerId(HEX);
const OWN = `/kubepods/pod1/${HEX}`;
/** Above the largest pid that Linux gives out: no process of the machine can ever be meant. */
const BASE = 2_000_000_000;
const placeholder = { pid: hostPid(BASE), startTime: '100' };

let root: string;
let kill: jest.SpyInstance;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cgroup-'));
  kill = jest.spyOn(process, 'kill').mockImplementation(() => true);
  known.isAlive.mockReturnValue(true);
  known.startTime.mockReturnValue('100');
  known.cgroups.mockReturnValue([{ controllers: '', path: OWN }]);
});

afterEach(() => {
  jest.restoreAllMocks();
  jest.resetAllMocks();
  rmSync(root, { recursive: true });
});

/** A folder like a cgroup: files by name. */
function group(dir: string, files: Readonly<Record<string, string>>): string {
  const path = join(root, dir);
  mkdirSync(path, { recursive: true });
  for (const [name, text] of Object.entries({ 'cgroup.procs': '', ...files }))
    writeFileSync(join(path, name), text);
  return path;
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof TerminalError) return error.reason;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('containerCgroups', () => {
  it('finds the unified hierarchy of a machine that has no other', () => {
    const dir = group(OWN, { 'cgroup.freeze': '0' });
    expect(containerCgroups(root, BASE, id)).toEqual({ id, dirs: [dir], freezer: dir });
  });

  it('finds every hierarchy of a hybrid machine and prefers the unified freezer', () => {
    known.cgroups.mockReturnValue([
      { controllers: 'freezer', path: OWN },
      { controllers: 'name=systemd', path: OWN },
      { controllers: '', path: OWN },
    ]);
    const v1 = group(`freezer${OWN}`, { 'freezer.state': 'THAWED' });
    const named = group(`systemd${OWN}`, {});
    const unified = group(`unified${OWN}`, { 'cgroup.freeze': '0' });
    expect(containerCgroups(root, BASE, id)).toEqual({ id, dirs: [v1, named, unified], freezer: unified });
  });

  it.each([
    ['the process is gone', [], 'ContainerGone'],
    ['one hierarchy has it in the root', [OWN, '/'], 'InvalidCgroup'],
    ['it is in the group of another container', [`/kubepods/pod1/${'f'.repeat(64)}`], 'InvalidCgroup'],
    ['its path leads out of our cgroup namespace', [`/../${HEX}`], 'InvalidCgroup'],
    ['no folder can be found', [OWN], 'NoFreezer'],
  ])('refuses when %s', (_, paths, reason) => {
    known.cgroups.mockReturnValue(paths.map((path) => ({ controllers: '', path })));
    expect(refusal(() => containerCgroups(root, BASE, id))).toBe(reason);
  });
});

describe('thaw', () => {
  it.each([
    ['cgroup.freeze', '1', '0'],
    ['freezer.state', 'FROZEN', 'THAWED'],
  ])('writes %s', (file, frozen, thawed) => {
    const dir = group(OWN, { [file]: frozen });
    expect(isFrozen(dir)).toBe(true);
    thaw(dir);
    expect(readFileSync(join(dir, file), 'utf8')).toBe(thawed);
    expect(isFrozen(dir)).toBe(false);
  });

  it('makes no file where the container is gone', () => {
    thaw(join(root, 'gone'));
    expect(isFrozen(join(root, 'gone'))).toBe(false);
  });
});

describe('killLeftovers', () => {
  const groups = (...pids: readonly number[]): ContainerCgroups => {
    const dir = group(OWN, { 'cgroup.procs': pids.map((pid) => `${pid}\n`).join(''), 'cgroup.freeze': '0' });
    kill.mockImplementation((pid: number) => {
      const left = readFileSync(join(dir, 'cgroup.procs'), 'utf8').replace(`${pid}\n`, '');
      writeFileSync(join(dir, 'cgroup.procs'), left);
      return true;
    });
    return { id, dirs: [dir], freezer: dir };
  };

  it('kills every process of the group but the placeholder', async () => {
    await killLeftovers(groups(BASE, BASE + 1, BASE + 2), placeholder);
    expect(kill.mock.calls).toEqual([
      [BASE + 1, 'SIGKILL'],
      [BASE + 2, 'SIGKILL'],
    ]);
  });

  it('kills what was forked while it killed, until nothing is left', async () => {
    const found = groups(BASE, BASE + 1);
    const once = kill.getMockImplementation() as (pid: number) => boolean;
    kill.mockImplementationOnce((pid: number) => {
      once(pid);
      writeFileSync(join(found.freezer, 'cgroup.procs'), `${BASE}\n${BASE + 9}\n`);
      return true;
    });
    await killLeftovers(found, placeholder);
    expect(kill.mock.calls.map(([pid]) => pid as number)).toEqual([BASE + 1, BASE + 9]);
  });

  it('kills nothing when the placeholder is gone, or its pid is somebody else', async () => {
    known.isAlive.mockReturnValue(false);
    await killLeftovers(groups(BASE, BASE + 1), placeholder);
    expect(kill).not.toHaveBeenCalled();
  });

  it('stops as soon as the placeholder goes', async () => {
    known.isAlive.mockReturnValueOnce(true).mockReturnValueOnce(true).mockReturnValue(false);
    await killLeftovers(groups(BASE, BASE + 1, BASE + 2), placeholder);
    expect(kill.mock.calls).toEqual([[BASE + 1, 'SIGKILL']]);
  });

  it.each([
    ['has left for the root cgroup', [{ controllers: '', path: '/' }]],
    ['is in another container', [{ controllers: '', path: `/kubepods/pod1/${'f'.repeat(64)}` }]],
    ['has vanished', []],
  ])('spares a process that %s', async (_, lines) => {
    known.cgroups.mockReturnValue(lines);
    await killLeftovers(groups(BASE + 1), placeholder);
    expect(kill).not.toHaveBeenCalled();
  });

  it('spares what /proc no longer shows, and pids that mean more than one process', async () => {
    await killLeftovers(groups(0, 1), placeholder);
    known.startTime.mockReturnValue(undefined);
    await killLeftovers(groups(BASE + 1), placeholder);
    expect(kill).not.toHaveBeenCalled();
  });

  it('does nothing when the folder of the cgroup is gone', async () => {
    const dir = join(root, 'gone');
    await killLeftovers({ id, dirs: [dir], freezer: dir }, placeholder);
    expect(kill).not.toHaveBeenCalled();
  });
});
