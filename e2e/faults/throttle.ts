/** A small part of a processor for what must not run away: what takes milliseconds otherwise can be met. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOr } from './node';

/** The kernel gives no less at a time (kernel: scheduler/sched-bwc.rst). */
const [QUOTA_US, PERIOD_US] = [1000, 25_000];

/** Gives the groups a small part of a processor, until the returned function is called. */
export function throttle(groups: readonly string[]): () => void {
  const throttled = groups.filter((group) => existsSync(join(group, 'cpu.cfs_quota_us')));
  const before = throttled.map((group) => readOr(join(group, 'cpu.cfs_quota_us')).trim());
  const period = throttled.map((group) => readOr(join(group, 'cpu.cfs_period_us')).trim());
  const set = (group: string, file: string, value: string) => {
    if (existsSync(group)) writeFileSync(join(group, file), value);
  };
  for (const group of throttled) {
    set(group, 'cpu.cfs_period_us', String(PERIOD_US));
    set(group, 'cpu.cfs_quota_us', String(QUOTA_US));
  }
  return () =>
    throttled.forEach((group, i) => {
      set(group, 'cpu.cfs_quota_us', before[i] || '-1');
      set(group, 'cpu.cfs_period_us', period[i] || '100000');
    });
}
