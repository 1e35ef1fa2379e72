import { fields } from '../../src/criu/fields';
import { withFile } from '../../src/criu/files';
import { readImage } from '../../src/criu/image';
import { image, message } from './images';

const file = (id: number) =>
  message([
    [1, 2],
    [2, id],
  ]);

describe('withFile', () => {
  it('adds a regular file under a number of its own, and changes no other', () => {
    const before = image([file(3), file(17), file(4)]);
    const { bytes, id } = withFile('files.img', before, 'some-file');
    expect(id).toBe(18);
    expect(bytes.subarray(0, before.length)).toEqual(before);
    const added = readImage('files.img', bytes).messages.at(-1) ?? Buffer.alloc(0);
    const regular = fields(added).find(({ number }) => number === 3)?.content ?? new Uint8Array();
    const name = fields(regular).find(({ number }) => number === 6)?.content ?? new Uint8Array();
    expect(Buffer.from(name).toString()).toBe('/some-file');
  });

  it('can be repeated', () => {
    const once = withFile('files.img', image([]), 'a');
    expect(withFile('files.img', once.bytes, 'a').id).toBe(once.id + 1);
  });

  it('says which image it does not understand', () => {
    expect(() => withFile('files.img', image([Buffer.from([0xff])]), 'a')).toThrow('files.img');
  });
});
