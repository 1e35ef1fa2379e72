/** For little work: by the thread that asks, which does nothing else meanwhile. */
import { perform } from './perform';
import type { Threads } from './pool';

export const thisThread: Threads = {
  threads: 1,
  run: (taskOf) => Promise.resolve().then(() => perform(taskOf(0))),
};
