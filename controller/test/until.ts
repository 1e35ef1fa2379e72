/** Waits for what nobody announces. */
import { setTimeout as sleep } from 'node:timers/promises';

export async function until(what: string, holds: () => boolean, limitMs = 4000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await sleep(10);
  }
}
