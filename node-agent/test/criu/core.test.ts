import { isCoreImage, threadState } from '../../src/criu/core';
import { leastStack, mayUseTiles } from '../../src/restore/tiles';
import type { Thread } from './core-image';
import { coreImage } from './core-image';

describe('a thread in its image', () => {
  it.each<[string, Thread, object]>([
    ['with a stack for signals', { stack: 65_536 }, { altStackBytes: 65_536, tilesInUse: false }],
    ['with none', { stack: 8192, flags: 2 }, { altStackBytes: 0 }],
    ['with tiles configured', { xstate: 0x2a2 | (1 << 17) }, { tilesInUse: true }],
    ['with data in its tiles', { xstate: 0x2a2 | (1 << 18) }, { tilesInUse: true }],
  ])('%s', (_, thread, state) => expect(threadState('core-1.img', coreImage(thread))).toMatchObject(state));

  it('is not taken from what is torn', () => {
    expect(() => threadState('core-1.img', coreImage({}).subarray(0, 30))).toThrow(
      expect.objectContaining({ reason: 'ImageInvalid' }),
    );
  });

  it('has a name of its own', () => {
    expect(
      ['criu/core-17.img', 'criu/core-17.img.old', 'criu/score-1.img', 'criu/mm-1.img'].map(isCoreImage),
    ).toEqual([true, false, false, false]);
  });
});

describe('restored processes may use tiles', () => {
  const LEAST = 11_952;
  const tree = (threads: readonly Thread[], cpuFeatures = ['amx_tile', 'avx']) => ({
    cpuFeatures,
    images: new Map(threads.map((t, i) => [`criu/core-${i + 1}.img`, coreImage(t)])),
  });
  it.each([
    [
      'where the processor has them and no thread has too small a stack for signals',
      tree([{}, { stack: LEAST }]),
      true,
    ],
    ['not where one has: its program knew nothing of tiles', tree([{}, { stack: 8192 }]), false],
    ['where that stack is not in use', tree([{ stack: 8192, flags: 2 }]), true],
    ['not where the processor has none', tree([{}], ['avx']), false],
  ])('%s', (_, of, may) => expect(mayUseTiles(of, LEAST)).toBe(may));

  it('by what the kernel says of such stacks', () => {
    const auxv = Buffer.alloc(48);
    [6n, 4096n, 51n, 11_952n].forEach((word, i) => auxv.writeBigUInt64LE(word, i * 8));
    expect(leastStack(auxv)).toBe(LEAST);
    expect(leastStack(Buffer.alloc(32))).toBe(0);
  });
});
