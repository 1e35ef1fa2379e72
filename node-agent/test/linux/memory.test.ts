import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { allocate, populate, release, viewOf } from '../../src/linux/memory';

const MIB = 2 ** 20;

/** What /proc/self/smaps says of the area at an address: size and flags (proc(5)). */
function areaAt(address: number): string {
  const blocks = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return blocks.find((block) => block.startsWith(`${address.toString(16)}-`)) ?? '';
}

describe('memory of our own', () => {
  const region = allocate(4 * MIB, false);
  afterAll(() => release(region));

  it('is there in full when it was populated', () => {
    expect(populate(region.address, region.length)).toBe(true);
    expect(areaAt(region.address)).toMatch(/^Rss:\s+4096 kB$/m);
  });

  it('goes to no child, which would make each of its pages fault once more', () => {
    expect(areaAt(region.address)).toMatch(/^VmFlags:.* dc( |$)/m);
    const view = viewOf(region.address, region.length);
    view.fill(7);
    execFileSync('true');
    expect(view.every((byte) => byte === 7)).toBe(true);
  });
});
