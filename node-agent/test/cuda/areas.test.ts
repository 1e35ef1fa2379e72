import { areasSince, mapsOfAll, unmapped } from '../../src/cuda/areas';
import { hostPid } from '../../src/linux/ids';
import type { Region } from '../../src/linux/memory';
import { allocate, release } from '../../src/linux/memory';

const MIB = 2 ** 20;
/** A process that maps as a driver has it map. */
const own = { processes: [{ pid: hostPid(process.pid), startTime: '' }], bytes: 256 * MIB };

let regions: Region[] = [];
const map = (mib: number): Region => {
  const region = allocate(mib * MIB, false);
  regions.push(region);
  return region;
};
afterEach(() => {
  regions.forEach(release);
  regions = [];
});

it('knows what was mapped since, and what of it is gone', () => {
  map(128);
  const before = mapsOfAll(own);
  const made = map(192);
  const areas = areasSince(before, own);
  expect(areas).toEqual([{ pid: process.pid, start: made.address, end: made.address + made.length }]);
  expect(unmapped(areas)).toEqual([]);
  release(regions.pop() as Region);
  expect(unmapped(areas)).toEqual(areas);
});

it('does not take a part of it for all', () => {
  const before = mapsOfAll(own);
  const made = map(192);
  const areas = areasSince(before, own);
  release({ address: made.address, length: 64 * MIB });
  expect(areas).toHaveLength(1);
  expect(unmapped(areas)).toEqual([]);
});

it('takes no more than is on the GPUs, and nothing small', () => {
  const before = mapsOfAll(own);
  map(512);
  map(32);
  expect(areasSince(before, own)).toEqual([]);
});
