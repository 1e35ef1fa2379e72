import { setTimeout as delay } from 'node:timers/promises';

/** Asks until the answer is yes (true) or the limit is reached (false). For things that send no event. */
export async function poll(
  answer: () => Promise<boolean>,
  limits: { readonly limitMs: number; readonly everyMs: number },
): Promise<boolean> {
  const end = Date.now() + limits.limitMs;
  while (!(await answer())) {
    if (Date.now() >= end) return false;
    await delay(limits.everyMs);
  }
  return true;
}
