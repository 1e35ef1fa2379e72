import { parseMaps } from '../../src/linux/maps';

const TEXT = `
55d0c0e00000-55d0c0e02000 r-xp 00002000 08:01 131 /usr/bin/sleep
7f3a10000000-7f3a10021000 rw-p 00000000 00:00 0 
7f3a20000000-7f3a20100000 rw-s 00001000 00:01 77                         /memfd:x (deleted)
`.trim();

const [code, heap, segment] = parseMaps(TEXT);

it('tells of each area what may be done with it, and what lies behind it', () => {
  const none = { offset: 0, inode: 0 };
  expect(code).toMatchObject({
    writable: false,
    executable: true,
    shared: false,
    offset: 0x2000,
    inode: 131,
  });
  expect(heap).toMatchObject({ writable: true, executable: false, shared: false, ...none });
  expect(segment).toMatchObject({ writable: true, shared: true, offset: 0x1000, inode: 77 });
});
