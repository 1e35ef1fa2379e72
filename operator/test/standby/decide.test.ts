import type { Found, Observed, Step } from '../../src/standby/decide';
import { decide, isUsable } from '../../src/standby/decide';

const [OWN, OLD] = ['dynamo-snapshot-standby-a', 'dynamo-snapshot-standby-b'];
const good: Found = { uid: 'u-own', ours: true, same: true };
const old: Found = { uid: 'u-old', ours: true, same: false };
const create: Step = { do: 'create' };
const remove = (name: string, uid: string): Step => ({ do: 'remove', name, uid });

interface Namespace {
  readonly wanted?: boolean;
  readonly mounted?: readonly string[];
  readonly found?: Readonly<Record<string, Found>>;
}

const seen = ({ wanted = true, mounted = [], found = {} }: Namespace): Observed => ({
  own: OWN,
  wanted,
  mounted: new Set(mounted),
  found: new Map(Object.entries(found)),
});

describe('the ConfigMaps of a namespace', () => {
  it.each<readonly [string, Namespace, readonly Step[]]>([
    ['get the one of this version where a checkpoint is', {}, [create]],
    ['stay as they are where it is there', { found: { [OWN]: good } }, []],
    ['are none where no checkpoint is', { wanted: false }, []],
    [
      'go with the last checkpoint',
      { wanted: false, found: { [OWN]: good, [OLD]: old } },
      [remove(OWN, 'u-own'), remove(OLD, 'u-old')],
    ],
    [
      'stay as long as a pod mounts them, whose checkpoint may be gone',
      { wanted: false, mounted: [OWN, OLD], found: { [OWN]: good, [OLD]: old } },
      [],
    ],
    ['are made again where a pod waits to mount it', { wanted: false, mounted: [OWN] }, [create]],
    ['are not made again for another version', { wanted: false, mounted: [OLD] }, []],
    [
      'of another version go when no pod mounts them',
      { found: { [OWN]: good, [OLD]: old } },
      [remove(OLD, 'u-old')],
    ],
    ['that are not ours stay', { wanted: false, found: { [OLD]: { ...old, ours: false } } }, []],
    [
      'of another version with the name of ours are replaced',
      { found: { [OWN]: { ...old, uid: 'u' } } },
      [remove(OWN, 'u'), create],
    ],
  ])('%s', (_, namespace, steps) => expect(decide(seen(namespace))).toEqual({ steps }));

  it.each<readonly [string, Namespace, RegExp]>([
    ['it is not ours', { found: { [OWN]: { ...old, ours: false } } }, /something else, and it is not ours/],
    [
      'pods mount it',
      { mounted: [OWN], found: { [OWN]: old } },
      /something else, and pods of another version still mount it/,
    ],
  ])('with another content under our name are left, and that is said, where %s', (_, namespace, why) => {
    expect(decide(seen(namespace))).toEqual({ steps: [], warning: expect.stringMatching(why) });
  });

  it('are no matter of ours where the content is right and the label is gone', () => {
    const found = { [OWN]: { ...good, ours: false } };
    expect(decide(seen({ found }))).toEqual({ steps: [] });
    expect(decide(seen({ wanted: false, found }))).toEqual({ steps: [] });
  });

  it('are mounted only with the content of this version', () => {
    expect([good, { ...good, ours: false }, old, undefined].map(isUsable)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
