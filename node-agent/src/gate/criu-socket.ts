/**
 * Stands for the page server of `criu restore --lazy-pages` (criu: uffd.c): CRIU opens a userfaultfd in each task, while the task still has
 * CRIU's rights, and hands it over by this socket. Until CRIU has ended, pages that it touches itself are given as zeros, as they
 * would be without.
 */
import { closeSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { accepted, listenAt, raise, readable, receive, signalFd } from '../linux/fd-socket';
import { PAGE } from '../linux/extent';
import { giveZeros, nextFault } from '../linux/userfault';

/** CRIU's name for it, in its working directory. */
const NAME = 'lazy-pages.socket';
const PID_BYTES = 4;
/** What CRIU sends in the place of a pid when it has restored everything (LAZY_PAGES_RESTORE_FINISHED). */
const FINISHED = 0x52535446;

export class CriuSocket {
  readonly #path: string;
  readonly #listener: number;
  readonly #stop = signalFd();
  readonly #userfaults = new Map<number, number>();
  #connection: number | undefined;
  /** Whose descriptor comes next. */
  #pid: number | undefined;
  #serving: Promise<void> | undefined;

  /** Before CRIU is started. */
  constructor(work: string) {
    this.#path = join(work, NAME);
    rmSync(this.#path, { force: true });
    this.#listener = listenAt(this.#path);
  }

  /** Until `end`. */
  serve(): void {
    this.#serving = this.#serve();
    this.#serving.catch(() => {}); // told by `end`
  }

  /** After CRIU: the descriptors by the pids of their processes in their own namespace. They are the caller's now. */
  async end(): Promise<ReadonlyMap<number, number>> {
    raise(this.#stop);
    try {
      await this.#serving;
      return this.#userfaults;
    } finally {
      rmSync(this.#path, { force: true });
      for (const fd of [this.#listener, this.#stop, this.#connection]) if (fd !== undefined) closeSync(fd);
    }
  }

  async #serve(): Promise<void> {
    for (;;) {
      const ready = await readable([
        this.#stop,
        this.#connection ?? this.#listener,
        ...this.#userfaults.values(),
      ]);
      // What came before the end is heard first.
      if (this.#connection === undefined) {
        if (ready.has(this.#listener)) this.#connection = accepted(this.#listener);
      } else if (ready.has(this.#connection)) this.#hear(this.#connection);
      for (const uffd of this.#userfaults.values()) if (ready.has(uffd)) answer(uffd);
      if (ready.has(this.#stop) && ready.size === 1) return;
    }
  }

  /** The pid, then one byte with the descriptor. A zombie has a negative pid, and none. */
  #hear(connection: number): void {
    const { bytes, fd } = receive(connection, this.#pid === undefined ? PID_BYTES : 1);
    if (fd !== undefined && this.#pid !== undefined) {
      this.#userfaults.set(this.#pid, fd);
      this.#pid = undefined;
      return;
    }
    if (bytes.length < PID_BYTES) {
      closeSync(connection);
      this.#connection = undefined;
      return;
    }
    const pid = bytes.readInt32LE();
    this.#pid = pid > 0 && pid !== FINISHED ? pid : undefined;
  }
}

function answer(uffd: number): void {
  for (let address = nextFault(uffd); address !== undefined; address = nextFault(uffd))
    giveZeros(uffd, { address: Math.floor(address / PAGE) * PAGE, length: PAGE });
}
