import { silent } from '@dynamo-snapshot/controller/log';
import type { Found } from '../../src/standby/decide';
import { foundOf } from '../../src/standby/config-maps';
import { programOf } from '../../src/standby/program';
import { configMapFor } from '../../src/standby/source';

const program = programOf(Buffer.from('standby'));
const answer = (find: () => Promise<Found | undefined>) =>
  configMapFor('ns', program, { find: jest.fn(find) }, silent);

describe('the program of placeholders', () => {
  it('has a name by what is in it, one of those that the roles name', () => {
    expect(program.name).toMatch(/^dynamo-snapshot-standby-[0-9a-f]$/);
    const names = Array.from({ length: 200 }, (_, i) => programOf(Buffer.from(`${i}`)).name);
    expect(new Set(names).size).toBe(16);
  });

  it('is known by every byte, and by there being nothing else', () => {
    const map = (binaryData: Record<string, string>, more: object = {}) =>
      foundOf(
        { metadata: { uid: 'u', labels: { 'nvidia.com/snapshot-standby': 'true' } }, binaryData, ...more },
        program.content,
      );
    expect(map({ standby: program.content })).toEqual({ uid: 'u', ours: true, same: true });
    const other = Buffer.from('Standby').toString('base64');
    const wrong = [
      map({ standby: other }),
      map({}),
      map({ standby: program.content, more: other }),
      map({ standby: program.content }, { data: { more: '' } }),
    ];
    expect(wrong.map(({ same }) => same)).toEqual([false, false, false, false]);
    expect(foundOf({ binaryData: { standby: program.content } }, program.content).ours).toBe(false);
  });
});

describe('a placeholder', () => {
  it.each<readonly [string, () => Promise<Found | undefined>, string | undefined]>([
    [
      'mounts it where it is there',
      () => Promise.resolve({ uid: 'u', ours: true, same: true }),
      program.name,
    ],
    ['has an installer where it is not', () => Promise.resolve(undefined), undefined],
    [
      'has an installer where it is something else',
      () => Promise.resolve({ uid: 'u', ours: true, same: false }),
      undefined,
    ],
    ['has an installer where it cannot be read', () => Promise.reject(new Error('forbidden')), undefined],
  ])('%s', async (_, find, name) => expect(await answer(find)).toBe(name));

  it('has an installer where nobody answers in time', async () => {
    const started = performance.now();
    expect(await answer(() => new Promise(() => {}))).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(4000);
  });
});
