/**
 * userfaultfd(2): memory of another process whose missing pages wait for us (kernel: admin-guide/mm/userfaultfd, linux/userfaultfd.h). The
 * descriptor is one that the process itself has made; whoever holds it speaks for that process's memory.
 */
import { closeSync, constants, readSync } from 'node:fs';
import { constants as os } from 'node:os';
import koffi from 'koffi';
import type { Extent } from './extent';

const libc = koffi.load('libc.so.6');
const syscall = libc.func('long syscall(long number, int flags)');
const ioctl = libc.func('int ioctl(int fd, ulong request, _Inout_ uint8_t *argument)');

/** asm/unistd.h */
const SYS_USERFAULTFD = process.arch === 'arm64' ? 282 : 323;
const UFFD_API = 0xaan;
/** Of files in memory: that the kernel can guard pages that are missing, and such as the file has already. */
const NEEDED = (1n << 5n) | (1n << 10n);

/** Whether the kernel, and our rights, suffice. */
export function canGuard(): boolean {
  const uffd = Number(syscall(SYS_USERFAULTFD, constants.O_NONBLOCK | O_CLOEXEC));
  if (uffd < 0) return false;
  try {
    const api = Buffer.alloc(24);
    api.writeBigUInt64LE(UFFD_API);
    return ioctl(uffd, UFFDIO.API, api) === 0 && (api.readBigUInt64LE(8) & NEEDED) === NEEDED;
  } finally {
    closeSync(uffd);
  }
}

const O_CLOEXEC = 0o2000000;
const UFFDIO = {
  API: 0xc018aa3fn,
  REGISTER: 0xc020aa00n,
  UNREGISTER: 0x8010aa01n,
  ZEROPAGE: 0xc020aa04n,
} as const;
const MODE = { MISSING: 1n, MINOR: 4n } as const;
const MESSAGE_BYTES = 32;
const EVENT_PAGEFAULT = 0x12;

/**
 * From now on whoever touches the extent, which maps a file in memory, waits until it is opened; also where the file has the page already
 * (MINOR, Linux 5.14). Throws where the kernel refuses.
 */
export function guard(uffd: number, extent: Extent): void {
  const rc = ioctl(uffd, UFFDIO.REGISTER, argument(extent, MODE.MISSING | MODE.MINOR));
  if (rc !== 0) throw failed('guard', extent);
}

/** Whoever waits for the extent goes on, and finds there what its file has. It may be unmapped by now: a driver may let go of what it has not read. */
export function open(uffd: number, extent: Extent): void {
  const rc = ioctl(uffd, UFFDIO.UNREGISTER, argument(extent, 0n));
  if (rc !== 0 && koffi.errno() !== os.errno.EINVAL) throw failed('open', extent);
}

/** The same, of an area that may be of a kind that cannot be guarded anyhow. */
export const openIfGuarded = (uffd: number, extent: Extent): void =>
  void ioctl(uffd, UFFDIO.UNREGISTER, argument(extent, 0n));

/** A page of zeros, as a process gets that is not guarded. One that is there stays. */
export const giveZeros = (uffd: number, page: Extent): void =>
  void ioctl(uffd, UFFDIO.ZEROPAGE, argument(page, 0n));

/** Address of a page that somebody waits for; undefined for any other event, and where there is none now (the descriptor does not block). */
export function nextFault(uffd: number): number | undefined {
  const message = Buffer.alloc(MESSAGE_BYTES);
  try {
    readSync(uffd, message);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
  return message[0] === EVENT_PAGEFAULT ? Number(message.readBigUInt64LE(16)) : undefined;
}

/** uffdio_range, then what the longest of the requests has behind it. */
function argument({ address, length }: Extent, mode: bigint): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeBigUInt64LE(BigInt(address), 0);
  bytes.writeBigUInt64LE(BigInt(length), 8);
  bytes.writeBigUInt64LE(mode, 16);
  return bytes;
}

const failed = (doing: string, { address, length }: Extent): Error =>
  new Error(`${doing} ${length} bytes at 0x${address.toString(16)}: errno ${koffi.errno()}`);
