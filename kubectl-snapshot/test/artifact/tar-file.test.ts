import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TarFile } from '../../src/archive/tar-file';

const dir = mkdtempSync(join(tmpdir(), 'snapshot-tar-file-'));
afterAll(() => rmSync(dir, { recursive: true }));
const file = join(dir, 'a.tar');
const content = (name: string) => execFileSync('tar', ['-xOf', file, name], { encoding: 'utf8' });

it('a tar takes the content of a file after those that follow it', async () => {
  const tar = await TarFile.create(file);
  const at = await tar.reserve('late', 6);
  await tar.addFolder('folder');
  await tar.add('folder/early', Buffer.from('early'));
  await tar.write(Buffer.from('te'), at + 2);
  await tar.write(Buffer.from('la'), at);
  const back = Buffer.alloc(4);
  await tar.read(back, at);
  expect(back.toString()).toBe('late');
  await tar.finish();
  expect(content('late')).toBe('late\0\0');
  expect(content('folder/early')).toBe('early');
});

/** Nothing of it is written, so that it takes no room. */
it('a file in it may be larger than a header of old says', async () => {
  const size = 20 * 2 ** 30 + 1;
  const tar = await TarFile.create(file);
  await tar.reserve('pages', size);
  await tar.add('behind', Buffer.from('it'));
  await tar.finish();
  expect(execFileSync('tar', ['-tvf', file], { encoding: 'utf8' })).toMatch(
    new RegExp(`${size} .* pages\n.* 2 .* behind`),
  );
});
