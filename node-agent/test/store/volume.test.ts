import { mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreVolume } from '../../src/store/volume';

/** Of another device than any folder for temporary files. */
const ELSEWHERE = '/proc';

let dir: string;
const store = () => join(dir, 'store');
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'volume-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A link stands for a mount: what is below it shows when it goes. */
const mount = () => symlinkSync(ELSEWHERE, store());
const unmount = () => {
  unlinkSync(store());
  mkdirSync(store());
};

describe('the volume of the store', () => {
  it('is there as long as it is the same', async () => {
    mount();
    const volume = await StoreVolume.mountedAt(store());
    expect(await volume.isThere()).toBe(true);
    unmount();
    expect(await volume.isThere()).toBe(false);
    rmSync(store(), { recursive: true });
    expect(await volume.isThere()).toBe(false);
    mount();
    expect(await volume.isThere()).toBe(true);
  });

  it('is lost when it is away for several looks, not for one', async () => {
    mount();
    const volume = await StoreVolume.mountedAt(store());
    let lost = false;
    const losing = volume.lost(30).then(() => (lost = true));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(lost).toBe(false);
    unmount();
    await losing;
    expect(lost).toBe(true);
  });
});
