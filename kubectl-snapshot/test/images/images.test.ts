/** `worker` is a real dump (CRIU 4.2.1, Linux 6.18) of busybox: sh, nc that listens, and two sleeps with a pipe between; without its pages. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeAll, encode, entriesOf, magic } from '../../src/images/codec';
import type { Images } from '../../src/images/files';
import { endpoint, fileTable, sockets } from '../../src/images/files';
import { mappings } from '../../src/images/memory';
import { mounts } from '../../src/images/mounts';
import { flat, processTree } from '../../src/images/processes';
import { dumpStats } from '../../src/images/stats';

const folder = join(__dirname, 'worker');
const worker: Images = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));

describe('the images of a real dump', () => {
  const tree = processTree(worker);

  it('give the process tree', () => {
    const shape = flat(tree).map(({ pid, ppid, name, state, program, directory, threads }) =>
      [pid, ppid, name, state, program, directory, threads].join(' '),
    );
    expect(shape).toEqual([
      '1 0 sleep alive /bin/busybox / 1',
      '21 1 nc alive /bin/busybox / 1',
      '22 1 sh alive /bin/busybox / 1',
      '23 22 sleep alive /bin/busybox / 1',
      '24 22 sleep alive /bin/busybox / 1',
    ]);
  });

  it('give open files, and the pipe that two processes share', () => {
    const [root, , , left, right] = flat(tree);
    expect(root?.files.find((f) => f.fd === 3)).toEqual({ fd: 3, kind: 'file', what: '/var/log/app.log' });
    expect(left?.files.find((f) => f.fd === 1)).toEqual({ fd: 1, kind: 'pipe', what: 'pipe:[117556]' });
    expect(right?.files.find((f) => f.fd === 0)?.what).toBe('pipe:[117556]');
  });

  it('give the socket that listens', () => {
    expect(flat(tree).flatMap((p) => p.sockets)).toEqual([
      { fd: 5, protocol: 'tcp6', state: 'listen', local: '[::]:8000', remote: '[::]:*' },
    ]);
  });

  it('give memory by mapping, and all pages of the dump are in one', () => {
    expect(tree[0]?.memory.map((m) => `${m.name} ${m.areas} ${m.sizeBytes} ${m.dumpedBytes}`)).toEqual([
      '/bin/busybox 5 1986560 24576',
      '[stack] 1 135168 12288',
      '[anonymous] 1 28672 12288',
      '[heap] 1 139264 8192',
      '[vdso] 1 8192 8192',
      '[vvar] 1 24576 0',
    ]);
    const dumped = flat(tree)
      .flatMap((p) => p.memory)
      .reduce((sum, m) => sum + m.dumpedBytes, 0);
    expect(dumped).toBe(dumpStats(worker)?.writtenBytes);
  });

  it('give the memory that shards have too', () => {
    const at = 0x7f00_0000_0000;
    const chunk = { pid: 1, shard: 0, offset: 0, digest: '0'.repeat(64) };
    const index = {
      version: 1 as const,
      shards: [{ path: 'pages/shard-0', sizeBytes: 12_288 }],
      chunks: [{ ...chunk, extents: [at, 8192, at + 16_384, 4096] }],
      advised: [],
    };
    const vma = {
      start: at,
      end: at + 12_288,
      pgoff: 0,
      shmid: 0,
      prot: 3,
      flags: 0x22,
      status: 1 << 9,
      fd: -1,
    };
    const images = new Map(worker).set('mm-1.img', encode([['mm_entry', { exe_file_id: 1, vmas: [vma] }]]));
    const [root] = processTree(images, index);
    expect(root?.memory.map((m) => `${m.name} ${m.sizeBytes} ${m.dumpedBytes}`)).toEqual([
      '[anonymous] 12288 8192',
    ]);
  });

  it('give the mounts', () => {
    expect(mounts(worker).map((m) => `${m.mountPoint} ${m.type} ${m.source}`)).toEqual([
      '/ tmpfs app',
      '/data tmpfs data',
      '/proc proc proc',
    ]);
  });

  it("give CRIU's times", () => {
    expect(dumpStats(worker)).toMatchObject({ freezingSeconds: 0.000771, frozenSeconds: 0.034495 });
  });
});

describe('images that the real dump has none of', () => {
  it('a zombie has a name and nothing else', () => {
    const images: Images = new Map([
      [
        'pstree.img',
        encode([
          ['pstree_entry', { pid: 1, ppid: 0, pgid: 1, sid: 1, threads: [1] }],
          ['pstree_entry', { pid: 9, ppid: 1, pgid: 1, sid: 1, threads: [] }],
        ]),
      ],
      ['core-9.img', encode([['core_entry', { tc: { task_state: 6, exit_code: 256, comm: 'worker' } }]])],
    ]);
    expect(processTree(images)[0]?.children).toEqual([
      {
        pid: 9,
        ppid: 1,
        name: 'worker',
        state: 'zombie',
        threads: 0,
        files: [],
        sockets: [],
        memory: [],
        children: [],
      },
    ]);
  });

  it('pages are counted where CRIU before 4.2 wrote them', () => {
    const vma = {
      start: 0x1000,
      end: 0x5000,
      pgoff: 0,
      shmid: 0,
      prot: 3,
      flags: 0x22,
      status: 1 << 9,
      fd: -1,
    };
    const images: Images = new Map([
      ['mm-1.img', encode([['mm_entry', { exe_file_id: 1, vmas: [vma] }]])],
      [
        'pagemap-1.img',
        encode([
          ['pagemap_head', { pages_id: 1 }],
          ['pagemap_entry', { vaddr: 0x0, compat_nr_pages: 3 }],
        ]),
      ],
    ]);
    expect(mappings(images, 1, new Map())).toEqual([
      { name: '[anonymous]', areas: 1, sizeBytes: 16384, dumpedBytes: 8192 },
    ]);
  });

  it('sockets of the Unix family have a path, an abstract name or an inode', () => {
    const socket = (id: number, name: string, peer = 0) =>
      [
        'file_entry',
        { type: 5, id, usk: { id, ino: id, type: 1, state: peer ? 1 : 10, peer, name: Buffer.from(name) } },
      ] as const;
    const images: Images = new Map([
      [
        'files.img',
        encode([socket(1, '/run/app.sock\0'.slice(0, -1)), socket(2, '\0app'), socket(3, '', 7)]),
      ],
      [
        'fdinfo-1.img',
        encode([3, 2, 1].map((id) => ['fdinfo_entry', { id, flags: 0, type: 5, fd: 10 + id }] as const)),
      ],
    ]);
    expect(sockets(images, 1, fileTable(images))).toEqual([
      { fd: 11, protocol: 'unix', state: 'listen', local: '/run/app.sock', remote: '' },
      { fd: 12, protocol: 'unix', state: 'listen', local: '@app', remote: '' },
      { fd: 13, protocol: 'unix', state: 'established', local: 'inode 3', remote: 'inode 7' },
    ]);
  });

  it.each([
    ['IPv4', [0x0100007f], 8000, false, '127.0.0.1:8000'],
    ['any port', [0], 0, false, '0.0.0.0:*'],
    ['IPv6 of the loopback', [0, 0, 0, 0x01000000], 80, true, '[::1]:80'],
    ['IPv6 with two runs of zeros', [0xb80d0120, 0, 0x01000000, 0x01000000], 1, true, '[2001:db8::1:0:1]:1'],
    ['no address', [], 0, false, '*:*'],
  ])('an address: %s', (_, words, port, v6, text) => {
    expect(endpoint(words, port, v6)).toBe(text);
  });
});

describe('the frame of an image', () => {
  it('what is encoded is decoded again', () => {
    const entry = { pid: 7, ppid: 1, pgid: 7, sid: 7, threads: [7, 8] };
    expect(decodeAll('pstree_entry', 'x', encode([['pstree_entry', entry]]))).toEqual([entry]);
  });

  it('both kinds of images are known by their magic', () => {
    expect(worker.get('pstree.img')?.readUInt32LE(0)).toBe(magic.common);
    expect(worker.get('stats-dump')?.readUInt32LE(0)).toBe(magic.service);
  });

  it.each([
    ['text', Buffer.from('hello world'), 'x.img is no CRIU image'],
    ['nothing', Buffer.alloc(0), 'x.img is no CRIU image'],
    [
      'half an image',
      encode([['pstree_entry', { pid: 1, ppid: 0, pgid: 1, sid: 1 }]]).subarray(0, 14),
      'x.img is cut off at byte 14',
    ],
  ])('%s is refused', (_, bytes, words) => {
    expect(() => entriesOf('x.img', bytes)).toThrow(words);
  });

  it('an entry of another kind is refused with the name of the file', () => {
    const image = encode([['pagemap_head', { pages_id: 1 }]]);
    expect(() => decodeAll('pstree_entry', 'pstree.img', image)).toThrow(
      'pstree.img has an entry that is no pstree_entry',
    );
  });
});
