import { isLostByMapping, lockText, parseLocks, parseMappedFiles } from '../../src/linux/locks';

const fdinfo = `pos:\t0
flags:\t0100002
mnt_id:\t29
lock:\t1: POSIX  ADVISORY  WRITE 4711 fe:00:131 0 EOF
lock:\t2: FLOCK  ADVISORY  READ  4711 fe:00:131 0 EOF
lock:\t3: OFDLCK ADVISORY  WRITE -1 00:2f:77 128 255
lock:\t4: -> POSIX  ADVISORY  WRITE 4712 fe:00:131 0 EOF
lock:\t5: LEASE  ACTIVE    READ  4711 fe:00:131 0 EOF
`;
const maps = `7f00-7f01 r--s 00000000 fe:00 131                        /data/my db
7f02-7f03 rw-p 00000000 00:00 0                          [heap]
7f04-7f05 rw-p 00000000 00:00 0
7f06-7f07 r-xp 00001000 00:2f 77                         /usr/lib/libc.so.6
`;

describe('parseLocks', () => {
  it('finds the locks that are held, not those that are waited for', () => {
    expect(parseLocks(fdinfo).map((lock) => lockText(lock, '/data/db'))).toEqual([
      'POSIX WRITE 0-EOF /data/db',
      'FLOCK READ 0-EOF /data/db',
      'OFDLCK WRITE 128-255 /data/db',
    ]);
    expect(parseLocks('')).toEqual([]);
  });

  it('gives an unlinked file no name: its restored one has another', () => {
    const [lock] = parseLocks(fdinfo);
    expect(lock && lockText(lock, '/data/x.cr.7.ghost (deleted)')).toBe('POSIX WRITE 0-EOF (deleted)');
  });
});

describe('isLostByMapping', () => {
  const mapped = parseMappedFiles(maps);
  const [posix, flock, ofd] = parseLocks(fdinfo);

  it('sees files that are mapped, and nothing else', () => {
    expect(mapped).toEqual([
      { file: 'fe:00:131', path: '/data/my db' },
      { file: '00:2f:77', path: '/usr/lib/libc.so.6' },
    ]);
  });

  it.each([
    ['a POSIX lock on a mapped inode', posix, '/elsewhere', true],
    ['a POSIX lock on a mapped path with another inode', { ...posix, file: '00:1:1' }, '/data/my db', true],
    ['a POSIX lock on another file', { ...posix, file: '00:1:1' }, '/data/other', false],
    ['a lock of an open file', flock, '/data/my db', false],
    ['an open-file-description lock', ofd, '/usr/lib/libc.so.6', false],
  ])('%s: %s', (_, lock, path, lost) => {
    expect(isLostByMapping(lock as NonNullable<typeof posix>, path, mapped)).toBe(lost);
  });
});
