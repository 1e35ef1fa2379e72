/** A socket in the file system over which descriptors come (unix(7), SCM_RIGHTS), which node's own sockets cannot take. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import koffi from 'koffi';
import { succeeded } from './succeeded';

const libc = koffi.load('libc.so.6');

const functions = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, const void *address, uint32_t length)'),
  listen: libc.func('int listen(int fd, int backlog)'),
  accept: libc.func('int accept4(int fd, void *address, void *length, int flags)'),
  recvmsg: libc.func('intptr_t recvmsg(int fd, void *message, int flags)'),
  poll: libc.func('int poll(_Inout_ uint8_t *fds, ulong count, int timeout)'),
  eventfd: libc.func('int eventfd(uint initial, int flags)'),
};

const AF_UNIX = 1;
const SOCK = { STREAM: 1, NONBLOCK: 0o4000, CLOEXEC: 0o2000000 } as const;
const BACKLOG = 4;
const ADDRESS_BYTES = 110;
const MSG_CMSG_CLOEXEC = 0x40000000;
const POLLFD_BYTES = 8;
const POLLIN = 1;

/** Its path may be longer than a socket's address: it is told by the descriptor of its folder. */
export function listenAt(path: string): number {
  const folder = openSync(dirname(path), 'r');
  try {
    const address = Buffer.alloc(ADDRESS_BYTES);
    address.writeUInt16LE(AF_UNIX);
    address.write(`/proc/self/fd/${folder}/${basename(path)}`, 2);
    const fd = succeeded('make a socket', functions.socket(AF_UNIX, SOCK.STREAM | SOCK.CLOEXEC, 0));
    succeeded(`bind ${path}`, functions.bind(fd, address, address.length));
    succeeded(`listen at ${path}`, functions.listen(fd, BACKLOG));
    return fd;
  } finally {
    closeSync(folder);
  }
}

export const accepted = (listener: number): number =>
  succeeded('accept', functions.accept(listener, null, null, SOCK.CLOEXEC | SOCK.NONBLOCK));

/** Something to wait for together with others, until it is raised. */
export const signalFd = (): number => succeeded('eventfd', functions.eventfd(0, SOCK.CLOEXEC));

/** It can be read from now on (eventfd(2): eight bytes are added to it). */
export const raise = (signal: number): void =>
  void writeSync(signal, Buffer.from(new BigUint64Array([1n]).buffer));

/** Node waits for the threads of its pool when it ends: one that waits for somebody who does not come shall not keep it. */
const LONGEST_WAIT_MS = 200;

/** Those that can be read without waiting, as soon as there is one; none after a while. On a thread of libuv's pool. */
export function readable(fds: readonly number[]): Promise<ReadonlySet<number>> {
  const list = Buffer.alloc(fds.length * POLLFD_BYTES);
  fds.forEach((fd, i) => {
    list.writeInt32LE(fd, i * POLLFD_BYTES);
    list.writeInt16LE(POLLIN, i * POLLFD_BYTES + 4);
  });
  return new Promise((resolve, reject) =>
    functions.poll.async(list, fds.length, LONGEST_WAIT_MS, (error: unknown, count: number) => {
      if (error !== null && error !== undefined) return reject(error as Error);
      if (count < 0) return reject(new Error('wait for descriptors: poll failed'));
      resolve(new Set(fds.filter((_, i) => list.readInt16LE(i * POLLFD_BYTES + 6) !== 0)));
    }),
  );
}

/** Right now. */
export function canBeRead(fd: number): boolean {
  const one = Buffer.alloc(POLLFD_BYTES);
  one.writeInt32LE(fd);
  one.writeInt16LE(POLLIN, 4);
  return functions.poll(one, 1, 0) === 1 && (one.readInt16LE(6) & POLLIN) !== 0;
}

export interface Received {
  readonly bytes: Buffer;
  readonly fd?: number;
}

const CONTROL_BYTES = 24;

/** So many bytes at most, and the descriptor that came with them; no bytes at the end. */
export function receive(connection: number, atMost: number): Received {
  const bytes = Buffer.alloc(atMost);
  const control = Buffer.alloc(CONTROL_BYTES);
  const iovec = Buffer.alloc(16);
  iovec.writeBigUInt64LE(koffi.address(bytes), 0);
  iovec.writeBigUInt64LE(BigInt(bytes.length), 8);
  const message = Buffer.alloc(56);
  message.writeBigUInt64LE(koffi.address(iovec), 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(koffi.address(control), 32);
  message.writeBigUInt64LE(BigInt(control.length), 40);
  const length = succeeded('receive', functions.recvmsg(connection, message, MSG_CMSG_CLOEXEC));
  // A cmsghdr of 16 bytes, then the descriptor.
  const hasFd = Number(message.readBigUInt64LE(40)) >= 20;
  return { bytes: bytes.subarray(0, length), ...(hasFd ? { fd: control.readInt32LE(16) } : {}) };
}
