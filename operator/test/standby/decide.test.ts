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
  readonly othersStayMs?: number;
}

const seen = ({ wanted = true, mounted = [], found = {}, othersStayMs = -5 }: Namespace): Observed => ({
  own: OWN,
  wanted,
  othersStayMs,
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
      /something else, and it is of another version/,
    ],
  ])('with another content under our name are left, and that is said, where %s', (_, namespace, why) => {
    const warning: unknown = expect.stringMatching(why);
    expect(decide(seen(namespace))).toEqual({ steps: [], warning, requeueAfterMs: 300_000 });
  });

  it('of other versions stay as long as an operator of theirs may admit pods; not so our own', () => {
    const found = { [OWN]: good, [OLD]: old };
    const early = { found, othersStayMs: 7 };
    expect(decide(seen(early))).toEqual({ steps: [], requeueAfterMs: 7 });
    expect(decide(seen({ ...early, wanted: false }))).toEqual({
      steps: [remove(OWN, 'u-own')],
      requeueAfterMs: 7,
    });
    expect(decide(seen({ ...early, mounted: [OLD] }))).toEqual({ steps: [] });
    expect(decide(seen({ found: { [OWN]: old }, othersStayMs: 7 }))).toEqual({
      steps: [],
      warning: expect.stringContaining('another version') as unknown,
      requeueAfterMs: 7,
    });
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
