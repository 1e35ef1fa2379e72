import { isMountsImage, withExternalMountsThere } from '../../src/criu/mounts';
import { image, message } from './images';

const NAME = 'mountpoints-12.img';
const mount = (point: string, more: readonly (readonly [number, number | Buffer])[] = []) =>
  message([[2, 7], [7, Buffer.from(point)], [99, 5], ...more]);
const deleted = [16, 1] as const;
const external = [18, Buffer.from('/etc/conf')] as const;

describe('mounts of which the file was unlinked', () => {
  it('are like all others where they come from outside, and nothing else is changed', () => {
    const own = mount('/own', [deleted]);
    const before = image([mount('/'), mount('/etc/conf', [deleted, external]), own]);
    const after = image([mount('/'), mount('/etc/conf', [external]), own]);
    expect(withExternalMountsThere(NAME, before)).toEqual(after);
  });

  it.each([
    ['there is none', image([mount('/'), mount('/etc/conf', [external])])],
    ['it is of the tree itself', image([mount('/own', [deleted])])],
  ])('the image stays where %s', (_, bytes) => {
    expect(withExternalMountsThere(NAME, bytes)).toBeUndefined();
  });

  it('of an image that is none is refused', () => {
    expect(() => withExternalMountsThere(NAME, image([Buffer.from([0xff])]))).toThrow(
      `${NAME} cannot be understood`,
    );
  });

  it('are in the images of mounts only', () => {
    expect(['criu/mountpoints-12.img', 'criu/mm-12.img', 'criu/mountpoints.txt'].map(isMountsImage)).toEqual([
      true,
      false,
      false,
    ]);
  });
});
