import { buildProductImages } from '../../scripts/images';
import { imageFiles } from '../archive';
import type { ImageFile } from '../archive';

const MB = 1e6;
/** Programs that only a build needs, and what package managers keep. */
const UNWANTED =
  /(^|\/)(gcc|g\+\+|cc|ld|as|make|npm|npx|corepack|apt|apt-get|dpkg|python3?)$|^(var\/lib\/(apt|dpkg)|var\/cache|root\/\.(npm|cache)|usr\/include)\/|\.(a|o|h|map)$/;

describe.each([
  ['operator', 250],
  ['agent', 300],
])('the image of the %s', (name, limit) => {
  let files: readonly ImageFile[] = [];

  beforeAll(async () => {
    const archives = await buildProductImages((line) => console.error(line));
    files = imageFiles(archives[name === 'operator' ? 0 : 1] ?? '');
  });

  it(`has at most ${limit} MB unpacked`, () => {
    const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    expect(files.map((file) => file.path)).toContain('usr/local/bin/node');
    expect(bytes / MB).toBeGreaterThan(50);
    expect(bytes / MB).toBeLessThanOrEqual(limit);
  });

  it('has no compiler, no package manager and no cache of one', () => {
    expect(files.map((file) => file.path).filter((path) => UNWANTED.test(path))).toEqual([]);
  });
});
