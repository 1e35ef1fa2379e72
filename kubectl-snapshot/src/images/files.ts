/** The open files of a dump in words a person knows: a path, a pipe, a socket with its two ends. */
import { decodeAll } from './codec';
import type { FileEntry, InetSocketEntry, UnixSocketEntry } from './messages';

/** By file name, as they lie in an artifact's criu folder; pages are left out. */
export type Images = ReadonlyMap<string, Buffer>;

/** criu: images/fdinfo.proto, fd_types. */
const fileKinds = [
  'undefined',
  'file',
  'pipe',
  'fifo',
  'inet socket',
  'unix socket',
  'eventfd',
  'eventpoll',
  'inotify',
  'signalfd',
  'packet socket',
  'terminal',
  'fanotify',
  'netlink socket',
  'namespace',
  'tun',
  'external',
  'timerfd',
  'memfd',
  'bpf map',
  'pidfd',
] as const;

export interface OpenFile {
  readonly fd: number;
  readonly kind: string;
  readonly what: string;
}

export interface Socket {
  readonly fd: number;
  readonly protocol: string;
  readonly state: string;
  readonly local: string;
  readonly remote: string;
}

export type FileTable = ReadonlyMap<number, FileEntry>;

export function fileTable(images: Images): FileTable {
  const image = images.get('files.img');
  const files = image === undefined ? [] : decodeAll('file_entry', 'files.img', image);
  return new Map(files.map((file) => [file.id, file]));
}

/** Open files of a task, in order of their numbers. */
export function openFiles(images: Images, filesId: number, table: FileTable): readonly OpenFile[] {
  return descriptors(images, filesId).map(({ fd, id, type }) => ({
    fd,
    kind: kindOf(type),
    what: describe(table.get(id), id),
  }));
}

export function sockets(images: Images, filesId: number, table: FileTable): readonly Socket[] {
  return descriptors(images, filesId).flatMap(({ fd, id }) => {
    const file = table.get(id);
    if (file?.isk !== undefined) return [{ fd, ...inetSocket(file.isk) }];
    return file?.usk === undefined ? [] : [{ fd, ...unixSocket(file.usk) }];
  });
}

function descriptors(images: Images, filesId: number) {
  const name = `fdinfo-${filesId}.img`;
  const image = images.get(name);
  const entries = image === undefined ? [] : decodeAll('fdinfo_entry', name, image);
  return [...entries].sort((a, b) => a.fd - b.fd);
}

const kindOf = (type: number): string => fileKinds[type] ?? `kind ${type}`;

export function describe(file: FileEntry | undefined, id: number): string {
  if (file?.reg !== undefined) return file.reg.name;
  if (file?.pipe !== undefined) return `pipe:[${file.pipe.pipe_id}]`;
  if (file?.isk !== undefined) {
    const { protocol, state, local, remote } = inetSocket(file.isk);
    return `${protocol} ${local} -> ${remote} ${state}`;
  }
  if (file?.usk !== undefined) return `unix ${unixSocket(file.usk).local}`;
  return `id ${id}`;
}

/** linux: include/net/tcp_states.h */
const tcpStates = [
  '',
  'established',
  'syn-sent',
  'syn-recv',
  'fin-wait-1',
  'fin-wait-2',
  'time-wait',
  'closed',
  'close-wait',
  'last-ack',
  'listen',
  'closing',
];
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;

type Ends = Omit<Socket, 'fd'>;

function inetSocket(socket: InetSocketEntry): Ends {
  const name = socket.type === SOCK_STREAM ? 'tcp' : socket.type === SOCK_DGRAM ? 'udp' : 'raw';
  const v6 = socket.family === AF_INET6;
  return {
    protocol: v6 ? `${name}6` : name,
    state: tcpStates[socket.state] ?? String(socket.state),
    local: endpoint(socket.src_addr, socket.src_port, v6),
    remote: endpoint(socket.dst_addr, socket.dst_port, v6),
  };
}

/** The image keeps the kernel's words: each holds four bytes of the address in the order of the network. */
export function endpoint(words: readonly number[], port: number, v6: boolean): string {
  const bytes = words.flatMap((w) => [w & 0xff, (w >>> 8) & 0xff, (w >>> 16) & 0xff, (w >>> 24) & 0xff]);
  const where = port === 0 ? '*' : String(port);
  if (bytes.length === 0) return `*:${where}`;
  return v6 ? `[${colons(bytes)}]:${where}` : `${bytes.slice(0, 4).join('.')}:${where}`;
}

/** As people write it (RFC 5952): the first of the longest runs of zeros is left out. */
function colons(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const text = groups.map((group) => group.toString(16)).join(':');
  const runs = [...text.matchAll(/\b0(?::0)+\b/g)].map(([run]) => run);
  const longest = runs.reduce((a, b) => (b.length > a.length ? b : a), '');
  if (longest === '') return text;
  const at = text.indexOf(longest);
  return `${text.slice(0, at).replace(/:$/, '')}::${text.slice(at + longest.length).replace(/^:/, '')}`;
}

/** Abstract names begin with a zero byte, which is shown as @. */
function unixSocket(socket: UnixSocketEntry): Ends {
  const name = Buffer.from(socket.name).toString('utf8').replaceAll('\0', '@');
  const type =
    socket.type === SOCK_STREAM ? 'unix' : socket.type === SOCK_DGRAM ? 'unix dgram' : 'unix seqpacket';
  return {
    protocol: type,
    state: tcpStates[socket.state] ?? String(socket.state),
    local: name === '' ? `inode ${socket.ino}` : name,
    remote: socket.peer === 0 ? '' : `inode ${socket.peer}`,
  };
}
