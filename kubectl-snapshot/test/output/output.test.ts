import { PassThrough } from 'node:stream';
import { bar } from '../../src/output/bar';
import { age } from '../../src/output/format';
import { outputOf } from '../../src/output/output';
import { table } from '../../src/output/table';
import { treeLines } from '../../src/output/tree';

const now = Date.parse('2026-11-28T12:00:00Z');

it.each([
  ['seconds', '2026-11-28T11:59:18Z', '42s'],
  ['still seconds below two minutes', '2026-11-28T11:58:01Z', '119s'],
  ['minutes', '2026-11-28T11:55:00Z', '5m'],
  ['hours', '2026-11-28T09:00:00Z', '3h'],
  ['days', '2026-11-16T12:00:00Z', '12d'],
  ['a clock that is ahead of ours', '2026-11-28T12:00:05Z', '0s'],
])('an age in %s', (_, since, text) => {
  expect(age(since, now)).toBe(text);
});

it.each([
  [0, '░░░░'],
  [0.25, '█░░░'],
  [0.28, '█▏░░'],
  [0.5, '██░░'],
  [1, '████'],
  [1.7, '████'],
  [-1, '░░░░'],
])('a bar of %d', (fraction, text) => {
  expect(bar(fraction, 4)).toBe(text);
});

it('a table has columns two spaces apart, no lines, and no blanks at the end', () => {
  expect(
    table(
      ['NAME', 'SIZE'],
      [
        ['a', '1Gi'],
        ['longer', ''],
        ['two\nlines', 'x'],
      ],
    ),
  ).toBe(['NAME       SIZE', 'a          1Gi', 'longer', 'two lines  x'].join('\n'));
});

it('columns stand straight where cells are coloured', () => {
  const lines = table(['PHASE', 'AGE'], [['\u001b[32mReady\u001b[39m', '5m']]).split('\n');
  expect(lines[1]).toBe('\u001b[32mReady\u001b[39m  5m');
});

it('a tree is drawn with its branches', () => {
  const leaf = (text: string) => ({ text, branches: [] });
  expect(
    treeLines([{ text: 'a', branches: [{ text: 'b', branches: [leaf('c'), leaf('d')] }, leaf('e')] }]),
  ).toEqual(['a', '├─ b', '│  ├─ c', '│  └─ d', '└─ e']);
});

describe('a stream', () => {
  const stream = (isTTY: boolean) =>
    Object.assign(new PassThrough(), { isTTY, columns: 100 }) as unknown as NodeJS.WriteStream;
  it.each([
    ['a terminal has colours', true, {}, true],
    ['a file has none', false, {}, false],
    ['NO_COLOR takes them away', true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR does not', true, { NO_COLOR: '' }, true],
    ['a dumb terminal has none', true, { TERM: 'dumb' }, false],
  ])('%s', (_, isTTY, env, coloured) => {
    expect(outputOf(stream(isTTY), env).colours.red('x') !== 'x').toBe(coloured);
  });

  it('that is no terminal gets each line once', () => {
    const to = stream(false);
    const live = outputOf(to, {}).live();
    live.draw(['10%'], ['dump']);
    live.draw(['20%'], ['dump']);
    live.draw(['done'], ['dump', 'done']);
    live.done();
    expect((to as unknown as PassThrough).read().toString()).toBe('dump\ndone\n');
  });

  it('that is a terminal is drawn in place', () => {
    const to = stream(true);
    const live = outputOf(to, {}).live();
    live.draw(['10%'], ['dump']);
    live.draw(['20%'], ['dump']);
    live.done();
    const written = (to as unknown as PassThrough).read().toString();
    expect(written).toContain('10%');
    expect(written).toContain('\u001b[');
    expect(written).not.toContain('dump');
  });
});
