import { freshAreas } from '../../src/cuda/prefault';

const MIB = 2 ** 20;

describe('an area is as the driver maps it', () => {
  const area = (more: object) => ({
    ...{ start: 0, end: 100 * MIB, offset: 0, inode: 0, named: false },
    ...{ shared: false, writable: true, executable: false, ...more },
  });
  const most = 1000 * MIB;

  it('when it was not there before', () => {
    expect(freshAreas([area({})], [], most)).toEqual([area({})]);
    expect(freshAreas([area({})], [area({})], most)).toEqual([]);
  });

  it('for the part that was not there before', () => {
    const fresh = freshAreas([area({ end: 500 * MIB })], [area({})], most);
    expect(fresh).toEqual([area({ start: 100 * MIB, end: 500 * MIB })]);
    expect(freshAreas([area({ end: 110 * MIB })], [area({})], most)).toEqual([]);
  });

  it('as long as no more is mapped than is expected of it', () => {
    const [large, next] = [area({ end: 800 * MIB }), area({ start: 900 * MIB, end: 1000 * MIB })];
    expect(freshAreas([area({ end: 1001 * MIB })], [], most)).toEqual([]);
    expect(freshAreas([large, next], [], most)).toEqual([large, next]);
    expect(freshAreas([large, next], [], 850 * MIB)).toEqual([large]);
  });

  it.each([
    ['shared', { shared: true }],
    ['of a file', { inode: 9 }],
    ['named', { named: true }],
    ['not to be written to', { writable: false }],
    ['to be run', { executable: true }],
    ['small', { end: 63 * MIB }],
  ])('unless it is %s', (_, more) => expect(freshAreas([area(more)], [], most)).toEqual([]));
});
