import type { Observed, Plan } from '../../src/assignment/decide';
import { decide } from '../../src/assignment/decide';

const NOW = 1_000_000;

type Assignment = NonNullable<Observed['assignment']>;
type Entry = NonNullable<Observed['entry']>;

const wanted: Assignment = { phase: 'Running', cancelled: false };
const pending: Assignment = { phase: 'Pending', cancelled: false };
const cancelled: Assignment = { phase: 'Running', cancelled: true };
const over = (phase: Assignment['phase']): Assignment => ({ phase, cancelled: false });

const running: Entry = {
  alive: true,
  hasResult: false,
  hasLeft: false,
  askedToStop: false,
  deadline: NOW + 1,
};
const left: Entry = { ...running, alive: false, hasResult: true, hasLeft: true };
const dead: Entry = { ...running, alive: false };
const done: Entry = { ...dead, hasResult: true };
const unreadable: Entry = { ...running, deadline: undefined };
const asked: Entry = { ...running, askedToStop: true };

type Row = readonly [string, Assignment | undefined, Entry | undefined, Plan['do']];

describe('decide', () => {
  it.each<Row>([
    ['an object without a status is begun', over(undefined), undefined, 'start'],
    ['a pending object is begun', pending, undefined, 'start'],
    ['an object that was cancelled before is refused', { ...pending, cancelled: true }, undefined, 'refuse'],
    ['nothing is done about one that has succeeded', over('Succeeded'), undefined, 'nothing'],
    ['nothing is done about one that has failed', over('Failed'), undefined, 'nothing'],
    ['nothing is done about one that was cancelled', over('Cancelled'), undefined, 'nothing'],
    [
      'nothing is done about a cancelled one that is over',
      { phase: 'Failed', cancelled: true },
      undefined,
      'nothing',
    ],
    ['nothing is done where there is nothing at all', undefined, undefined, 'nothing'],

    ['a living operation is mirrored', wanted, running, 'mirror'],
    ['a living operation is mirrored before its first status', pending, running, 'mirror'],
    ['a cancelled one is asked to stop', cancelled, running, 'stop'],
    ['it is asked only once', cancelled, asked, 'mirror'],
    ['an operation whose object is gone is asked to stop', undefined, running, 'stop'],
    ['an operation whose object is gone is asked only once', undefined, asked, 'mirror'],
    ['an operation whose object is over is asked to stop', over('Failed'), running, 'stop'],

    ['a dead operation without a result is taken back', wanted, dead, 'recover'],
    ['so it is where it was cancelled', cancelled, { ...dead, askedToStop: true }, 'recover'],
    ['so it is where the object is gone', undefined, dead, 'recover'],
    ['so it is where the object is over', over('Failed'), dead, 'recover'],
    ['so it is after the deadline', wanted, { ...dead, deadline: NOW - 1 }, 'recover'],

    ['a result is told', wanted, done, 'finish'],
    ['a result is told though the process has not ended yet', wanted, { ...done, alive: true }, 'finish'],
    ['a result is told though it was to be cancelled', cancelled, { ...done, askedToStop: true }, 'finish'],
    ['a result is told after the deadline', wanted, { ...done, deadline: NOW - 1 }, 'finish'],
    ['what was told is forgotten', over('Succeeded'), done, 'forget'],
    ['what failed and was told is forgotten', over('Failed'), done, 'forget'],
    ['a result that nobody waits for is forgotten', undefined, done, 'forget'],
    ['what could not be taken back is told first', wanted, left, 'finish'],
    ['and then tried again', over('Failed'), left, 'recover'],
    ['also where the object is gone', undefined, left, 'recover'],
    ['an entry that cannot be read is asked to stop', wanted, unreadable, 'stop'],
    ['it is asked only once', wanted, { ...unreadable, askedToStop: true }, 'mirror'],
    ['is taken back when it is dead', wanted, { ...unreadable, alive: false }, 'recover'],
    ['is told when it has ended', wanted, { ...done, deadline: undefined }, 'finish'],
    ['and is taken back as long as it takes', undefined, { ...left, deadline: undefined }, 'recover'],
    ['but not for ever', over('Failed'), { ...left, deadline: NOW - 3_600_000 }, 'forget'],
  ])('%s', (_, assignment, entry, plan) => {
    const observed = { ...(assignment ? { assignment } : {}), ...(entry ? { entry } : {}) };
    expect(decide(observed, NOW).do).toBe(plan);
  });

  it.each([
    [NOW - 1, 'stop'],
    [NOW, 'mirror'],
    [NOW + 1, 'mirror'],
  ])('with the deadline at %d does %s', (deadline, plan) => {
    expect(decide({ assignment: wanted, entry: { ...running, deadline } }, NOW).do).toBe(plan);
  });

  it.each<readonly [string, Assignment | undefined, number, string]>([
    ['its object is gone', undefined, NOW + 1, 'Cancelled'],
    ['its object is over', over('Failed'), NOW + 1, 'Cancelled'],
    ['it is cancelled', cancelled, NOW + 1, 'Cancelled'],
    ['it is cancelled and late', cancelled, NOW - 1, 'Cancelled'],
    ['it is late', wanted, NOW - 1, 'DeadlineExceeded'],
  ])('stops an operation for the reason that %s', (_, assignment, deadline, reason) => {
    const observed = { ...(assignment ? { assignment } : {}), entry: { ...running, deadline } };
    expect(decide(observed, NOW)).toMatchObject({ do: 'stop', mark: { reason } });
  });

  it('never begins what has an entry already', () => {
    const flags = [false, true];
    const assignments = [undefined, wanted, pending, cancelled, over('Succeeded'), over(undefined)];
    for (const assignment of assignments)
      for (const alive of flags)
        for (const hasResult of flags) {
          const observed = { entry: { ...running, alive, hasResult }, ...(assignment ? { assignment } : {}) };
          expect(['start', 'refuse', 'nothing']).not.toContain(decide(observed, NOW).do);
        }
  });
});
