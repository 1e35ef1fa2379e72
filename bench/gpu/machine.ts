/** The state of the machine that explains a figure, and memory that is there before it is needed. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './place';
import { say } from './say';

/** GB of everybody's huge pages (of programs, of files) and of what is free. */
export function memoryNow(): string {
  const text = readFileSync('/proc/meminfo', 'utf8');
  const gigabytes = (name: string) => (kib(text, name) / 976_562.5).toFixed(1);
  return `huge ${gigabytes('AnonHugePages')} + ${gigabytes('ShmemHugePages')} GB, free ${gigabytes('MemFree')} GB`;
}

const kib = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0);

/** proc_pid_stat(5), fields 14 and 15 in hundredths of a second. */
export function processorTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const seconds = (i: number) => (Number(fields[i]) / 100).toFixed(1);
    return `worker's own ${seconds(11)} s, in the kernel ${seconds(12)} s`;
  } catch {
    return 'no worker';
  }
}

const MOST_SHARE = 0.8;
const LIMIT_MS = 60_000;

/**
 * Some virtual machines give memory back while nobody uses it, and get it again page by page when it is touched: seconds that belong to
 * neither path. Touched right before each half, by both.
 */
export function touch(place: Pick<Place, 'home'>, bytes: number): void {
  const free = kib(readFileSync('/proc/meminfo', 'utf8'), 'MemAvailable') * 1024 * MOST_SHARE;
  const gibibytes = Math.floor(Math.min(bytes, free) / 2 ** 30);
  if (gibibytes < 1) return;
  const program = join(place.home, 'limits');
  const { stdout } = spawnSync(program, ['touch', String(gibibytes)], {
    encoding: 'utf8',
    timeout: LIMIT_MS,
  });
  say('  touched', `${gibibytes} GiB, ${String(stdout).trim()}`);
}

/** Managed memory is mapped through it. */
const UVM = '/dev/nvidia-uvm';

/** Mappings of the driver's devices: how many, and of how many bytes. */
export function mapped(pid: number): string {
  const sizes = new Map<string, { count: number; bytes: number }>();
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const [range = '', , , , , ...path] = line.split(/\s+/);
    const name = path.join(' ');
    if (!name.startsWith('/dev/nvidia')) continue;
    const [from = 0, to = 0] = range.split('-').map((hex) => parseInt(hex, 16));
    if (name === UVM) say('  uvm', line);
    const { count, bytes } = sizes.get(name) ?? { count: 0, bytes: 0 };
    sizes.set(name, { count: count + 1, bytes: bytes + to - from });
  }
  return JSON.stringify(Object.fromEntries(sizes));
}
