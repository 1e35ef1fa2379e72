/** Listening sockets of a network namespace, from /proc/PID/net (proc_pid_net(5)). */
import { readFileSync } from 'node:fs';
import type { HostPid } from './ids';
import { orAbsent } from './proc';

/** enum in net/tcp_states.h */
const TCP_LISTEN = '0A';
/** __SO_ACCEPTCON in net/unix */
const UNIX_LISTENS = 0x10000;

/** Inode -> "tcp 0.0.0.0:8000". A line: sl, local address, remote address, state, …; the tenth field is the inode. */
export const parseTcpListeners = (text: string, family: 'tcp' | 'tcp6'): ReadonlyMap<string, string> =>
  new Map(
    lines(text).flatMap((line): [string, string][] => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const address = addressOf(local);
      return state === TCP_LISTEN && address !== undefined ? [[inode, `${family} ${address}`]] : [];
    }),
  );

/** Inode -> "unix /path" or "unix @abstract"; a path may hold spaces. Sockets without a name are not listened on by anyone else. */
export const parseUnixListeners = (text: string): ReadonlyMap<string, string> =>
  new Map(
    lines(text).flatMap((line): [string, string][] => {
      const [, flags = '', inode = '', path = ''] =
        /^\S+ \S+ \S+ ([0-9A-F]+) \S+ \S+ +(\d+)(?: (.*))?$/.exec(line) ?? [];
      return (parseInt(flags, 16) & UNIX_LISTENS) !== 0 ? [[inode, `unix ${path}`]] : [];
    }),
  );

const lines = (text: string): readonly string[] => text.split('\n').slice(1).filter(Boolean);

/** "0100007F:1F90": the address as words in the machine's byte order, the port in hex. */
function addressOf(local: string): string | undefined {
  const [address = '', port = ''] = local.split(':');
  if (!/^([0-9A-F]{8}|[0-9A-F]{32})$/.test(address) || !/^[0-9A-F]{4}$/.test(port)) return undefined;
  const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex').reverse()]);
  const host = bytes.length === 4 ? bytes.join('.') : `[${ipv6(bytes)}]`;
  return `${host}:${parseInt(port, 16)}`;
}

/** As RFC 5952 wants it. */
function ipv6(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

export function listeners(pid: HostPid): ReadonlyMap<string, string> {
  const read = (name: string) => orAbsent(() => readFileSync(`/proc/${pid}/net/${name}`, 'utf8')) ?? '';
  return new Map([
    ...parseTcpListeners(read('tcp'), 'tcp'),
    ...parseTcpListeners(read('tcp6'), 'tcp6'),
    ...parseUnixListeners(read('unix')),
  ]);
}
