import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Given, Item } from './artifact';
import { apply, dir, file, read, root, unsafe } from './artifact';

describe('applyFiles, given paths that lead out of the root', () => {
  const outside = () => join(dir, 'agent');
  const untouched = (): void => {
    expect(readdirSync(outside())).toEqual(['secret']);
    expect(readFileSync(join(outside(), 'secret'), 'utf8')).toBe('of the agent');
  };
  afterEach(untouched);

  it('replaces a link rather than write through it', async () => {
    symlinkSync(join(outside(), 'secret'), join(root, 'conf'));
    await apply({ items: [file('conf')] });
    expect([lstatSync(join(root, 'conf')).isSymbolicLink(), read('conf')]).toEqual([false, 'new']);
  });

  it('deletes a link rather than what it points to', async () => {
    symlinkSync(outside(), join(root, 'link'));
    await apply({ deleted: ['link'] });
    expect(existsSync(join(root, 'link'))).toBe(false);
  });

  it('does not empty what an opaque link points to', async () => {
    symlinkSync(outside(), join(root, 'cache'));
    await apply({ opaque: ['cache'] });
  });

  it.each<readonly [string, Given]>([
    ['a file behind a link', { items: [file('out/x')] }],
    ['a deletion behind a link', { deleted: ['out/secret'] }],
    ['an opaque folder behind a link', { opaque: ['out/x'] }],
    ['a hard link to a file behind a link', { items: [{ name: 'x', type: 'link', linkname: 'out/secret' }] }],
    ['a volume behind a link', { volumes: [{ mountPath: '/out/v', items: [file('x')] }] }],
    ['a volume at a link', { volumes: [{ mountPath: '/out', items: [file('secret')] }] }],
    ['a file that climbs', { items: [file('../agent/secret')] }],
    ['a deletion that climbs', { deleted: ['../agent/secret'] }],
    ['a volume that climbs', { volumes: [{ mountPath: '/../agent', items: [file('secret')] }] }],
  ])('refuses %s', async (_, given) => {
    symlinkSync(outside(), join(root, 'out'));
    await expect(apply(given)).rejects.toMatchObject(unsafe);
  });

  it('refuses a tar that brings the link itself', async () => {
    const items: readonly Item[] = [
      { name: 'out', type: 'symlink', linkname: outside() },
      file('out/secret'),
    ];
    await expect(apply({ items })).rejects.toMatchObject(unsafe);
  });
});
