import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refuseTiles } from '../../src/capture/tiles';
import { coreImage } from '../criu/core-image';

const dir = mkdtempSync(join(tmpdir(), 'tiles-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('a dump', () => {
  it('is refused where a thread had data in its tiles', () => {
    writeFileSync(join(dir, 'core-1.img'), coreImage({}));
    writeFileSync(join(dir, 'mm-1.img'), 'no thread');
    expect(() => refuseTiles(dir)).not.toThrow();
    writeFileSync(join(dir, 'core-2.img'), coreImage({ xstate: 0x2a2 | (1 << 18) }));
    expect(() => refuseTiles(dir)).toThrow(expect.objectContaining({ reason: 'TilesInUse' }));
  });
});
