import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerCgroups } from '../../src/linux/cgroup';
import { containerId, hostPid } from '../../src/linux/ids';
import * as proc from '../../src/linux/proc';
import type { Attempt } from '../../src/restore/leftovers';
import { endLeftovers, isStandby } from '../../src/restore/leftovers';

jest.mock('../../src/linux/proc');
const known = jest.mocked(proc);

const HEX = '0123456789abcdef'.repeat(4);
const OWN = `/kubepods/pod1/${HEX}`;
/** Above the largest pid that Linux gives out: no process of the machine can ever be meant. */
const BASE = 2_000_000_000;
const placeholder = { pid: hostPid(BASE), startTime: '100' };
const restoredRoot = { pid: hostPid(BASE + 1), startTime: '100' };

let dir: string;
let name: string;
let killed: number[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'leftovers-'));
  name = 'standby:claimed';
  killed = [];
  known.isAlive.mockImplementation(({ pid }) => !killed.includes(pid));
  known.startTime.mockReturnValue('100');
  known.startedAt.mockImplementation((pid) => (pid === BASE + 2 ? 2000 : 1000));
  known.status.mockImplementation(() => ({ name }) as proc.Status);
  known.cgroups.mockReturnValue([{ controllers: '', path: OWN }]);
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.resetAllMocks();
  rmSync(dir, { recursive: true });
});

/** Two processes beside PID 1. */
function container(): ContainerCgroups {
  const group = join(dir, 'group');
  mkdirSync(group);
  const procs = join(group, 'cgroup.procs');
  writeFileSync(procs, `${BASE}\n${BASE + 1}\n${BASE + 2}\n`);
  jest.spyOn(process, 'kill').mockImplementation((pid) => {
    killed.push(pid);
    writeFileSync(procs, readFileSync(procs, 'utf8').replace(`${pid}\n`, ''));
    return true;
  });
  return { id: containerId(HEX), dirs: [group], freezer: group };
}

const ended = async (attempt?: Attempt) => {
  await endLeftovers(container(), placeholder, attempt);
  return killed.map((pid) => pid - BASE);
};

it.each(['standby', 'standby:claimed', 'standby:late', 'standby:failed'])(
  'ends what is beside a PID 1 that is %s',
  async (now) => {
    name = now;
    expect(await ended()).toEqual([1, 2]);
  },
);

it.each(['python3', 'sh', ''])('spares the children of a PID 1 that has become %p', async (now) => {
  name = now;
  expect(await ended()).toEqual([]);
});

it('spares the rest as soon as PID 1 becomes another program', async () => {
  known.status
    .mockReturnValueOnce({ name } as proc.Status)
    .mockReturnValueOnce({ name } as proc.Status)
    .mockReturnValue({ name: 'python3' } as proc.Status);
  expect(await ended()).toEqual([1]);
});

it('spares a restored worker that another attempt has handed over', async () => {
  name = 'standby:live';
  expect(await ended()).toEqual([]);
  rmSync(join(dir, 'group'), { recursive: true });
  expect(await ended({ root: { ...restoredRoot, pid: hostPid(BASE + 9) } })).toEqual([1, 2]);
});

it('spares a restored worker where the tree of this attempt is gone', async () => {
  name = 'standby:live';
  killed = [BASE + 9];
  const root = { ...restoredRoot, pid: hostPid(BASE + 9) };
  await endLeftovers(container(), placeholder, { root });
  expect(killed).toEqual([BASE + 9]);
});

it('ends all of the tree that this attempt has handed over, whose root goes first', async () => {
  name = 'standby:live';
  expect(await ended({ root: restoredRoot })).toEqual([1, 2]);
});

it('spares what began after the verdict', async () => {
  expect(await ended({ endedAt: 1500 })).toEqual([1]);
});

it('knows a standby by its name', () => {
  expect(isStandby(BASE)).toBe(true);
  known.status.mockReturnValue(undefined);
  expect(isStandby(BASE)).toBe(false);
});
