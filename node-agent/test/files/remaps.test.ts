import {
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
import { unlinkRemaps } from '../../src/files/remaps';
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
const places = () => [{ folder: dir, seenAt: dir }];

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
    expect(unlinkRemaps(self(), [{ folder: join(dir, 'gone'), seenAt: '/' }], 0)).toBe(0);
    expect(readdirSync(dir)).toEqual(['link_remap.1']);
  });
});
