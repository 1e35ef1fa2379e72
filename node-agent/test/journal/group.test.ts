import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { groupMembers, killMembers, makeGroups, removeGroups } from '../../src/journal/group';
import { until } from '../assignment/stage';

const UID = '11111111-2222-3333-4444-555555555555';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'group-'));
  for (const name of ['memory', 'pids', 'unified']) mkdirSync(join(root, name), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

const group = (hierarchy: string, uid = UID) => join(root, hierarchy, 'dynamo-snapshot', uid);

describe('removeGroups', () => {
  it('removes the groups of one operation, and no other ones; and may do so again', () => {
    const other = UID.replaceAll('1', '2');
    for (const path of [group('memory'), group('pids'), group('memory', other)])
      mkdirSync(path, { recursive: true });
    expect([removeGroups(root, UID), removeGroups(root, UID)]).toEqual([true, true]);
    expect([existsSync(group('memory')), existsSync(group('pids'))]).toEqual([false, false]);
    expect(existsSync(group('memory', other))).toBe(true);
  });

  it('removes the folder of all operations with the last one', () => {
    makeGroups(root, UID);
    removeGroups(root, UID);
    expect(existsSync(join(root, 'memory', 'dynamo-snapshot'))).toBe(false);
  });

  it('says that a group stays which is not empty', () => {
    makeGroups(root, UID);
    writeFileSync(join(group('pids'), 'x'), '');
    expect(removeGroups(root, UID)).toBe(false);
    expect(existsSync(group('memory'))).toBe(false);
  });

  it.each(['', '..', '.', `${UID}/..`])('does nothing for a uid like %j', (uid) => {
    mkdirSync(group('memory'), { recursive: true });
    for (const work of [removeGroups, groupMembers, killMembers])
      expect(() => work(root, uid)).toThrow(expect.objectContaining({ reason: 'InvalidUid' }));
    expect(existsSync(group('memory'))).toBe(true);
  });
});

describe('groupMembers', () => {
  it('believes no list that names a process which is elsewhere', () => {
    makeGroups(root, UID);
    writeFileSync(join(group('memory'), 'cgroup.procs'), `0\n1\n${process.pid}\n2000000000\n`);
    expect(groupMembers(root, UID)).toEqual([]);
    const kill = jest.spyOn(process, 'kill').mockImplementation(() => true);
    killMembers(root, UID);
    expect(kill).not.toHaveBeenCalled();
    kill.mockRestore();
  });
});

/** The machine's own hierarchies, where root may make groups in them. */
const CGROUPS = '/sys/fs/cgroup';
const mayMakeGroups = (() => {
  try {
    accessSync(CGROUPS, constants.W_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
})();

(mayMakeGroups ? describe : describe.skip)('a real group', () => {
  const uid = randomUUID();
  const children: ChildProcess[] = [];

  afterEach(async () => {
    for (const child of children.splice(0)) if (child.kill('SIGKILL')) await once(child, 'close');
    await until(() => removeGroups(CGROUPS, uid));
  });

  it('knows its processes, ends them and their children, and is gone', async () => {
    const procs = makeGroups(CGROUPS, uid).map((dir) => join(dir, 'cgroup.procs'));
    const script = 'for f in "$@"; do echo 0 > "$f" || exit 125; done; sleep 60 & sleep 60 & wait';
    const child = spawn('sh', ['-c', script, 'sh', ...procs], { stdio: 'ignore', detached: true });
    children.push(child);
    const ended = once(child, 'close');
    await until(() => groupMembers(CGROUPS, uid).length === 3);
    expect(removeGroups(CGROUPS, uid)).toBe(false);
    killMembers(CGROUPS, uid);
    await ended;
    children.length = 0;
    await until(() => groupMembers(CGROUPS, uid).length === 0);
    await until(() => removeGroups(CGROUPS, uid));
  });
});
