/** For little work: by the thread that asks, which does nothing else meanwhile. */
import { perform } from './perform';
import type { Threads } from './pool';

/** Read, digested and written in a twentieth of a second, in which two threads would hardly have started. */
const LITTLE_BYTES = 128 << 20;

/** Who reads so much: threads that may have to be started for it, or nobody else. */
export const readersFor = (bytes: number, pool: Threads): Threads =>
  bytes <= LITTLE_BYTES ? thisThread : pool;

export const thisThread: Threads = {
  threads: 1,
  run: (taskOf) => Promise.resolve().then(() => perform(taskOf(0))),
};
