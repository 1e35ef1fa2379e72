/** Waits for what the kernel tells nobody: the end of a process that is not ours, of a trace, of the last member of a version 1 cgroup. */
import { setTimeout as sleep } from 'node:timers/promises';

const EVERY_MS = 10;

/** Whether it came true within the limit. */
export async function comesTrue(claim: () => boolean, limitMs: number): Promise<boolean> {
  const until = performance.now() + limitMs;
  while (!claim()) {
    if (performance.now() > until) return false;
    await sleep(EVERY_MS);
  }
  return true;
}
