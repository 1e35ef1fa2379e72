/**
 * files.img: the sockets of a dump, moved to the addresses of another pod (criu: images/fdinfo.proto, sk-inet.proto); pure. CRIU binds
 * each socket where it was bound; the address of the source's pod is not one of the clone's.
 */
import protobuf from 'protobufjs';
import { fields, understood } from './fields';
import { readImage, writeImage } from './image';

/** Of inet_sk_entry only what is changed or looked at; the rest stays as its bytes are. */
const proto = `
syntax = "proto2";
message inet_sk_entry {
  required uint32 family = 3; required uint32 proto = 5; required uint32 state = 6;
  required uint32 src_port = 7; required uint32 dst_port = 8; repeated uint32 src_addr = 11; repeated uint32 dst_addr = 12;
}
`;
const socketType = protobuf.parse(proto, { keepCase: true }).root.lookupType('inet_sk_entry');

/** Field of file_entry that holds an inet_sk_entry. */
const INET_SOCKET = 4;
const CHANGED = new Set([6, 7, 8, 11, 12]);
/** net/tcp_states.h */
const TCP = { PROTOCOL: 6, CLOSE: 7, LISTEN: 10 } as const;

interface Socket {
  readonly family: number;
  readonly proto: number;
  readonly state: number;
  readonly src_port: number;
  readonly dst_port: number;
  /** 32-bit words, their bytes in the order of the network. */
  readonly src_addr: readonly number[];
  readonly dst_addr: readonly number[];
}

export interface Rewrite {
  /** Address of the source's pod -> of the clone's, in text. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Connections whose both ends are in the dump live on, all others are closed. Else CRIU closes all of them (--tcp-close). */
  readonly keepLocal: boolean;
}

/** The image with its sockets moved; everything else is kept byte by byte. */
export const rewriteSockets = (name: string, bytes: Buffer, rewrite: Rewrite): Buffer =>
  understood(name, () => rewritten(name, bytes, rewrite));

function rewritten(name: string, bytes: Buffer, rewrite: Rewrite): Buffer {
  const { magic, messages } = readImage(name, bytes);
  const sockets = messages.flatMap(socketsOf);
  const ends = new Set(sockets.map(endOf));
  const words = [...rewrite.addresses].map(([from, to]) => ({ from: wordsOf(from), to: wordsOf(to) }));
  const change = (socket: Socket): Socket => {
    const lone = rewrite.keepLocal && isConnection(socket) && !ends.has(endOf(turned(socket)));
    return lone ? closed(socket) : moved(socket, words);
  };
  return writeImage({ magic, messages: messages.map((message) => withSockets(message, change)) });
}

const socketsOf = (message: Uint8Array): readonly Socket[] =>
  fields(message)
    .filter((field) => field.number === INET_SOCKET)
    .map(({ content }) => decode(content));

const decode = (content: Uint8Array): Socket =>
  socketType.toObject(socketType.decode(content), { arrays: true }) as Socket;

function withSockets(message: Uint8Array, change: (socket: Socket) => Socket): Buffer {
  return Buffer.concat(
    fields(message).map((field) =>
      field.number === INET_SOCKET ? edited(field.content, change) : field.raw,
    ),
  );
}

function edited(content: Uint8Array, change: (socket: Socket) => Socket): Uint8Array {
  const others = fields(content).filter((field) => !CHANGED.has(field.number));
  const { state, src_port, dst_port, src_addr, dst_addr } = change(decode(content));
  const writer = protobuf.Writer.create();
  const put = (field: number, value: number) => void writer.uint32(field << 3).uint32(value);
  put(6, state);
  put(7, src_port);
  put(8, dst_port);
  for (const word of src_addr) put(11, word);
  for (const word of dst_addr) put(12, word);
  const body = Buffer.concat([...others.map((field) => field.raw), writer.finish()]);
  return protobuf.Writer.create()
    .uint32((INET_SOCKET << 3) | 2)
    .bytes(body)
    .finish();
}

const isConnection = ({ proto: protocol, state }: Socket): boolean =>
  protocol === TCP.PROTOCOL && state !== TCP.CLOSE && state !== TCP.LISTEN;

const endOf = ({ src_addr, src_port, dst_addr, dst_port }: Socket): string =>
  [...plain(src_addr), src_port, ...plain(dst_addr), dst_port].join();

const turned = (socket: Socket): Socket => ({
  ...socket,
  src_addr: socket.dst_addr,
  src_port: socket.dst_port,
  dst_addr: socket.src_addr,
  dst_port: socket.src_port,
});

const closed = (socket: Socket): Socket => ({
  ...socket,
  state: TCP.CLOSE,
  src_port: 0,
  dst_port: 0,
  src_addr: socket.src_addr.map(() => 0),
  dst_addr: socket.dst_addr.map(() => 0),
});

interface Move {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

function moved(socket: Socket, moves: readonly Move[]): Socket {
  const at = (address: readonly number[]): readonly number[] => {
    const found = moves.find(({ from, to }) => from.length === to.length && same(plain(address), from));
    if (found === undefined) return address;
    return isMapped(address) ? [...address.slice(0, 3), ...found.to] : found.to;
  };
  return { ...socket, src_addr: at(socket.src_addr), dst_addr: at(socket.dst_addr) };
}

const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((word, i) => word === b[i]);

/** ::ffff:a.b.c.d, as a socket for both families has it. */
const MAPPED = [0, 0, Buffer.from([0, 0, 0xff, 0xff]).readUInt32LE()] as const;
const isMapped = (address: readonly number[]): boolean =>
  address.length === 4 && MAPPED.every((word, i) => address[i] === word);
const plain = (address: readonly number[]): readonly number[] =>
  isMapped(address) ? address.slice(3) : address;

/** The four or sixteen bytes of an address in text, as the words of an image. */
function wordsOf(address: string): readonly number[] {
  const bytes = Buffer.from(address.includes(':') ? bytesOf6(address) : address.split('.').map(Number));
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(4 * i));
}

function bytesOf6(address: string): readonly number[] {
  const [head = [], tail] = address.split('::').map((half) => half.split(':').filter(Boolean));
  const zeros = Array<string>(tail === undefined ? 0 : 8 - head.length - tail.length).fill('0');
  return [...head, ...zeros, ...(tail ?? [])].flatMap((group) => {
    const value = parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
