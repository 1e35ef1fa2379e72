import type { Choice, Found } from '../../src/files/select';
import { choose, isExcluded } from '../../src/files/select';

const found = (over: Partial<Found>): Found => ({
  path: 'var/lib/app/state',
  kind: 'file',
  rdev: 0,
  xattrs: [],
  opaque: false,
  ...over,
});
const mounts = new Set(['/', '/etc/hosts', '/data', '/proc']);

describe('choose', () => {
  it.each<readonly [string, Partial<Found>, Choice['do']]>([
    ['keeps a file', {}, 'keep'],
    ['keeps a directory', { kind: 'directory' }, 'keep'],
    ['keeps a link', { kind: 'symlink' }, 'keep'],
    ['keeps a named pipe', { kind: 'fifo' }, 'keep'],
    ['keeps a device', { kind: 'char', rdev: 0x103 }, 'keep'],
    ['keeps a file with attributes of its own', { xattrs: ['security.capability', 'user.note'] }, 'keep'],
    ['keeps a copied-up file', { xattrs: ['trusted.overlay.origin'] }, 'keep'],
    ['takes a 0:0 device as a deletion', { kind: 'char', rdev: 0 }, 'delete'],
    ['does not take a 0:0 block device as a deletion', { kind: 'block', rdev: 0 }, 'keep'],
    ['takes an opaque directory with what it hides', { kind: 'directory', opaque: true }, 'keepOpaque'],
    ['skips a socket', { kind: 'socket' }, 'skip'],
    ['skips the stub under a mounted file', { path: 'etc/hosts' }, 'skip'],
    ['skips the stub folder under a volume', { path: 'data', kind: 'directory', opaque: true }, 'skip'],
    ['skips what a volume hides', { path: 'data/below/file' }, 'skip'],
    ['does not delete below a volume', { path: 'data/gone', kind: 'char', rdev: 0 }, 'skip'],
    ['keeps what only begins like a mount point', { path: 'etc/hosts.allow' }, 'keep'],
    ['refuses a renamed directory', { kind: 'directory', xattrs: ['trusted.overlay.redirect'] }, 'refuse'],
    ['refuses a file without its content', { xattrs: ['trusted.overlay.metacopy'] }, 'refuse'],
  ])('%s', (_, over, expected) => {
    expect(choose(found(over), mounts).do).toBe(expected);
  });

  it('names the path and the attribute of what it refuses', () => {
    const choice = choose(found({ path: 'srv/moved', xattrs: ['trusted.overlay.redirect'] }), mounts);
    expect(choice.do === 'refuse' && choice.why).toMatch(/^srv\/moved has trusted\.overlay\.redirect/);
  });
});

describe('isExcluded', () => {
  const named = ['.cache/huggingface', '/tmp/scratch'];
  it.each([
    ['the last parts of a path', 'root/.cache/huggingface', [], true],
    ['at the top', '.cache/huggingface', [], true],
    ['an absolute path', 'tmp/scratch', [], true],
    ['not an absolute path elsewhere', 'srv/tmp/scratch', [], false],
    ['not what only ends alike', 'root/x.cache/huggingface', [], false],
    ['not a folder above', 'root/.cache', [], false],
    [
      'not a folder with a file that is in use',
      'root/.cache/huggingface',
      ['/root/.cache/huggingface/a'],
      false,
    ],
    ['one whose neighbour is in use', 'root/.cache/huggingface', ['/root/.cache/huggingface2/a'], true],
  ])('leaves out %s', (_, path, inUse, expected) => {
    expect(isExcluded(path, named, inUse)).toBe(expected);
  });
});
