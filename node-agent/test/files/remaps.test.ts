import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { remapPlaces, unlinkRemaps } from '../../src/files/remaps';
import { hostPid } from '../../src/linux/ids';
import { processRef } from '../../src/linux/proc';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'remaps-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const self = () => {
  const ref = processRef(process.pid);
  if (ref === undefined) throw new Error('this very process is gone');
  return ref;
};
const places = () => [{ seenAt: dir }];

describe('unlinkRemaps', () => {
  it('unlinks the names that CRIU made, and nothing else', () => {
    mkdirSync(join(dir, 'below'));
    const since = Date.now() - 1000;
    writeFileSync(join(dir, 'below', 'kept'), 'x');
    linkSync(join(dir, 'below', 'kept'), join(dir, 'below', 'link_remap.7'));
    writeFileSync(join(dir, 'link_remap.12'), 'x');
    for (const name of ['link_remap.', 'link_remap.1.txt', 'my_link_remap.1', 'link_remap.x'])
      writeFileSync(join(dir, name), 'x');
    symlinkSync(join(dir, 'below', 'kept'), join(dir, 'link_remap.99'));
    mkdirSync(join(dir, 'link_remap.5'));
    expect(unlinkRemaps(self(), places(), since)).toBe(2);
    expect(readdirSync(join(dir, 'below'))).toEqual(['kept']);
    expect(readdirSync(dir)).toHaveLength(7);
    expect(unlinkRemaps(self(), places(), since)).toBe(0);
  });

  it('leaves a name alone that was there before the dump', () => {
    writeFileSync(join(dir, 'link_remap.1'), 'x');
    utimesSync(join(dir, 'link_remap.1'), 1, 1);
    expect(unlinkRemaps(self(), places(), Date.now() + 1000)).toBe(0);
    expect(readdirSync(dir)).toEqual(['link_remap.1']);
  });

  it('does nothing where the source or the folder is gone', () => {
    writeFileSync(join(dir, 'link_remap.1'), 'x');
    expect(unlinkRemaps({ pid: hostPid(2_000_000_000), startTime: '1' }, places(), 0)).toBe(0);
    expect(unlinkRemaps(self(), [{ seenAt: join(dir, 'gone') }], 0)).toBe(0);
    expect(readdirSync(dir)).toEqual(['link_remap.1']);
  });

  it('looks for names in the writable layer, and unlinks them where the process sees them', () => {
    for (const name of ['layer', 'seen']) mkdirSync(join(dir, name, 'below'), { recursive: true });
    for (const path of ['layer/below/link_remap.1', 'seen/below/link_remap.1', 'seen/link_remap.2'])
      writeFileSync(join(dir, path), 'x');
    const layered = [{ seenAt: join(dir, 'seen'), layer: join(dir, 'layer') }];
    expect(unlinkRemaps(self(), layered, Date.now() - 1000)).toBe(1);
    expect(readdirSync(join(dir, 'seen'), { recursive: true }).sort()).toEqual(['below', 'link_remap.2']);
    expect(existsSync(join(dir, 'layer/below/link_remap.1'))).toBe(true);
  });

  it.each([
    ['the volume itself', 'volume', 'volume'],
    ['a folder on the way to it', 'way', 'way/volume'],
  ])('follows no link that the container has put in the place of %s', (_, linked, volume) => {
    mkdirSync(join(dir, 'elsewhere', 'volume'), { recursive: true });
    for (const path of ['elsewhere/link_remap.1', 'elsewhere/volume/link_remap.1'])
      writeFileSync(join(dir, path), 'x');
    symlinkSync(join(dir, 'elsewhere'), join(dir, linked));
    expect(unlinkRemaps(self(), [{ seenAt: join(dir, volume) }], 0)).toBe(0);
    expect(readdirSync(join(dir, 'elsewhere')).sort()).toEqual(['link_remap.1', 'volume']);
  });

  it('follows no link on the way to a name that the writable layer has', () => {
    for (const name of ['layer/below', 'elsewhere', 'seen']) mkdirSync(join(dir, name), { recursive: true });
    for (const path of ['layer/below/link_remap.1', 'elsewhere/link_remap.1'])
      writeFileSync(join(dir, path), 'x');
    symlinkSync(join(dir, 'elsewhere'), join(dir, 'seen', 'below'));
    expect(unlinkRemaps(self(), [{ seenAt: join(dir, 'seen'), layer: join(dir, 'layer') }], 0)).toBe(0);
    expect(readdirSync(join(dir, 'elsewhere'))).toEqual(['link_remap.1']);
  });
});

describe('the places of such names', () => {
  it('are the writable layer and the volumes', () => {
    expect(remapPlaces('/host/upper', [{ mountPath: '/data' }])).toEqual([
      { seenAt: '/', layer: '/host/upper' },
      { seenAt: '/data' },
    ]);
  });

  it('are the volumes alone where the root is no overlay', () => {
    expect(remapPlaces(undefined, [{ mountPath: '/data' }])).toEqual([{ seenAt: '/data' }]);
  });
});
