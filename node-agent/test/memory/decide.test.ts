import type { Room } from '../../src/memory/decide';
import { hugePagesPay, hugeShare, makesRoom, stagingFor, threadsFor } from '../../src/memory/decide';

const GIB = 2 ** 30;
const room = (more: Partial<Room>): Room => ({
  choice: 'auto',
  memoryBytes: 20 * GIB,
  growthBytes: 0,
  sourceEnds: false,
  storeIsMemory: false,
  availableBytes: 34 * GIB,
  totalBytes: 128 * GIB,
  ...more,
});

it.each([
  ['goes to memory where the tree and a tenth of the node fit', {}, 'memory'],
  ['goes straight to the store where they do not', { availableBytes: 32 * GIB }, 'direct'],
  ['keeps 1 GiB of a small node', { totalBytes: 4 * GIB, availableBytes: 20.9 * GIB }, 'direct'],
  ['takes the short way where nobody waits for the source', { sourceEnds: true }, 'direct'],
  ['counts what the driver has yet to copy from the GPUs', { growthBytes: 20 * GIB }, 'direct'],
  ['fits both', { growthBytes: 20 * GIB, availableBytes: 53 * GIB }, 'memory'],
  ['counts a store that is memory itself', { storeIsMemory: true }, 'direct'],
  ['fits that too', { storeIsMemory: true, availableBytes: 53 * GIB }, 'memory'],
  ['is memory when asked for', { choice: 'memory', availableBytes: 0 }, 'memory'],
  ['is direct when asked for', { choice: 'direct', availableBytes: 100 * GIB }, 'direct'],
] as const)('the copy %s', (_, more, expected) => expect(stagingFor(room(more))).toBe(expected));

it.each([
  ['as many as processors', 0, 4, 4],
  ['no more than 16', 0, 96, 16],
  ['one at least', 0, 0, 1],
  ['what was asked for', 24, 4, 24],
])('uses %s', (_, wanted, processors, expected) => expect(threadsFor(wanted, processors)).toBe(expected));

it.each([
  ['where the driver would find too few', { growthBytes: 20 * GIB }, 'direct', 5 * GIB, true],
  ['not where enough are free', { growthBytes: 20 * GIB }, 'direct', 25 * GIB, false],
  ['not without a GPU', {}, 'direct', 0, false],
  ['not where memory is short', { growthBytes: 20 * GIB }, 'memory', 5 * GIB, false],
  ['beside staging memory', { growthBytes: 5 * GIB, availableBytes: 38 * GIB }, 'memory', 0, true],
] as const)('makes huge pages free %s', (_, more, staging, free, expected) =>
  expect(makesRoom(room(more), staging, free)).toBe(expected),
);

it.each([
  ['are asked for where more than enough are free', 8, 10, true],
  ['are not where others would take some of them', 9, 10, false],
])('huge pages %s', (_, needed, free, expected) =>
  expect(hugePagesPay(needed * GIB, free * GIB)).toBe(expected),
);

it.each([
  ['all where there are enough', 8, 10, 8],
  ['what there is, less what others take', 8, 5, 4],
  ['whole ones', 8, 4.5, 3.599609375],
  ['none where there are none', 8, 0, 0],
])('asks for huge pages for %s', (_, bytes, free, expected) => {
  const MIB = 2 ** 20;
  expect(hugeShare(bytes * GIB, free * GIB)).toBe(Math.floor((expected * GIB) / (2 * MIB)) * 2 * MIB);
});
