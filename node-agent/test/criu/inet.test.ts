import protobuf from 'protobufjs';
import type { Rewrite } from '../../src/criu/inet';
import { rewriteSockets } from '../../src/criu/inet';
import { readImage, writeImage } from '../../src/criu/image';

/** More of it than we know of: what is not ours must survive. */
const proto = `
syntax = "proto2";
message fown { required uint32 uid = 1; }
message isk {
  required uint32 id = 1; required uint32 ino = 2; required uint32 family = 3; required uint32 type = 4; required uint32 proto = 5;
  required uint32 state = 6; required uint32 src_port = 7; required uint32 dst_port = 8; required uint32 flags = 9;
  required uint32 backlog = 10; repeated uint32 src_addr = 11; repeated uint32 dst_addr = 12; required fown fown = 13;
  optional string ifname = 16;
}
message reg { required string name = 5; }
message file { required uint32 type = 1; required uint32 id = 2; optional reg reg = 3; optional isk isk = 4; }
`;
const root = protobuf.parse(proto, { keepCase: true }).root;
const file = root.lookupType('file');
const magic = Buffer.from('0123456789abcdef', 'hex');

const word = (address: string): number => Buffer.from(address.split('.').map(Number)).readUInt32LE();
const six = (...groups: readonly number[]): number[] => {
  const bytes = Buffer.alloc(16);
  groups.forEach((group, i) => bytes.writeUInt16BE(group, 2 * i));
  return [0, 4, 8, 12].map((at) => bytes.readUInt32LE(at));
};
const mapped = (address: string): number[] => [
  0,
  0,
  Buffer.from([0, 0, 255, 255]).readUInt32LE(),
  word(address),
];

const socket = (over: object) => ({
  ...{
    id: 1,
    ino: 2,
    family: 2,
    type: 1,
    proto: 6,
    state: 10,
    src_port: 80,
    dst_port: 0,
    flags: 2,
    backlog: 5,
  },
  ...{ src_addr: [0], dst_addr: [0], fown: { uid: 1000 }, ifname: 'eth0', ...over },
});
const connection = (from: number[], fromPort: number, to: number[], toPort: number, over: object = {}) =>
  socket({ state: 1, src_addr: from, src_port: fromPort, dst_addr: to, dst_port: toPort, ...over });

type Rewritten = ReturnType<typeof socket>;
function rewritten(sockets: readonly object[], rewrite: Partial<Rewrite>): readonly Rewritten[] {
  const files = [
    { type: 1, id: 9, reg: { name: '/etc/hosts' } },
    ...sockets.map((isk) => ({ type: 4, id: 1, isk })),
  ];
  const image = writeImage({ magic, messages: files.map((f) => Buffer.from(file.encode(f).finish())) });
  const bytes = rewriteSockets('files.img', image, { addresses: new Map(), keepLocal: false, ...rewrite });
  const { messages, magic: kept } = readImage('files.img', bytes);
  const [first, ...rest] = messages.map((m) => file.toObject(file.decode(m), { arrays: true }));
  expect([kept, first?.['reg']]).toEqual([magic, { name: '/etc/hosts' }]);
  return rest.map((f) => f['isk'] as Rewritten);
}

const pod = [word('10.0.0.1')];
const clone = [word('10.0.0.2')];
const loopback = [word('127.0.0.1')];
const addresses = new Map([
  ['10.0.0.1', '10.0.0.2'],
  ['fd00::1:5', 'fd00::2'],
]);

describe('rewriteSockets', () => {
  it('changes nothing where nothing is asked', () => {
    const all = [socket({}), connection(pod, 80, loopback, 9)];
    expect(rewritten(all, {})).toEqual(all);
  });

  it.each<[string, object, object]>([
    [
      'a listener at the pod IP',
      socket({ src_addr: pod }),
      { src_addr: clone, ifname: 'eth0', fown: { uid: 1000 } },
    ],
    ['a datagram socket at the pod IP', socket({ proto: 17, state: 7, src_addr: pod }), { src_addr: clone }],
    [
      'a listener at an IPv6 address',
      socket({ family: 10, src_addr: six(0xfd00, 0, 0, 0, 0, 0, 1, 5), dst_addr: six() }),
      { src_addr: six(0xfd00, 0, 0, 0, 0, 0, 0, 2) },
    ],
    [
      'an IPv4 address on a socket for both families',
      socket({ family: 10, src_addr: mapped('10.0.0.1'), dst_addr: six() }),
      { src_addr: mapped('10.0.0.2') },
    ],
    ['a socket at the loopback address', socket({ src_addr: loopback }), { src_addr: loopback }],
    ['a socket at every address', socket({}), { src_addr: [0] }],
    ['a neighbour', socket({ src_addr: [word('10.0.0.11')] }), { src_addr: [word('10.0.0.11')] }],
  ])('gives %s its place in the clone', (_, given, expected) => {
    expect(rewritten([given], { addresses })).toEqual([expect.objectContaining(expected)]);
  });

  it('keeps a connection whose both ends are in the dump, wherever it was, and closes all others', () => {
    const client = connection(loopback, 5000, loopback, 7000);
    const server = connection(loopback, 7000, loopback, 5000);
    const near = connection(pod, 5001, pod, 7001);
    const nearPeer = connection(pod, 7001, pod, 5001);
    const outside = connection(pod, 8000, [word('10.0.9.9')], 40000);
    const closing = connection(pod, 8000, [word('10.0.9.9')], 40001, { state: 8 });
    const listener = socket({ src_addr: pod, src_port: 8000 });
    const closed = { state: 7, src_port: 0, dst_port: 0, src_addr: [0], dst_addr: [0] };
    expect(
      rewritten([client, server, near, nearPeer, outside, closing, listener], { addresses, keepLocal: true }),
    ).toEqual([
      client,
      server,
      { ...near, src_addr: clone, dst_addr: clone },
      { ...nearPeer, src_addr: clone, dst_addr: clone },
      { ...outside, ...closed },
      { ...closing, ...closed },
      { ...listener, src_addr: clone },
    ]);
  });

  it('refuses a torn image', () => {
    expect(() => rewriteSockets('files.img', Buffer.alloc(9), { addresses, keepLocal: true })).toThrow(
      'torn',
    );
  });
});
