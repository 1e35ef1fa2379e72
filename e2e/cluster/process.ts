import { readFile } from 'node:fs/promises';
import { poll } from './poll';

/** A process for certain: numbers are given out again, a number together with its start time is not (within one boot). */
export interface ProcessId {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  readonly startTime: string;
}

interface Stat {
  readonly state: string;
  readonly startTime: string;
}

/** Reads the state and start time of a /proc/PID/stat line; undefined if it is none. */
export function parseStat(stat: string): Stat | undefined {
  // The name in parentheses may hold spaces and parentheses itself, so fields are counted from the last one.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
  const [state, startTime] = [fields[0], fields[19]];
  if (!stat.includes(')') || state === undefined || startTime === undefined || !/^\d+$/.test(startTime))
    return undefined;
  return { state, startTime };
}

async function readStat(pid: number, proc: string): Promise<Stat | undefined> {
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  const text = await readFile(`${proc}/${pid}/stat`, 'utf8').catch(() => '');
  const stat = parseStat(text);
  return stat === undefined || stat.state === 'Z' || stat.state === 'X' ? undefined : stat;
}

/** The identity of a live process; undefined for a vanished one, a zombie, PID 1 and anything that is no process number. */
export async function identify(pid: number, proc = '/proc'): Promise<ProcessId | undefined> {
  const stat = await readStat(pid, proc);
  return stat === undefined ? undefined : { pid, startTime: stat.startTime };
}

/** Whether this very process (not another one with its number) still runs. */
export async function isRunning(id: ProcessId | undefined, proc = '/proc'): Promise<boolean> {
  if (id === undefined) return false;
  return (await readStat(id.pid, proc))?.startTime === id.startTime;
}

/** The only child of a process, as the wrapper commands (unshare --fork, nsenter --pid) have one. */
export async function onlyChild(parent: ProcessId): Promise<ProcessId | undefined> {
  if (!(await isRunning(parent))) return undefined;
  const path = `/proc/${parent.pid}/task/${parent.pid}/children`;
  const children = (await readFile(path, 'utf8').catch(() => ''))
    .trim()
    .split(/\s+/)
    .filter(Boolean)
    .map(Number);
  return children.length === 1 && children[0] !== undefined ? identify(children[0]) : undefined;
}

export type Kill = (pid: number, signal: NodeJS.Signals) => void;

/** Signals a process if it is still the one meant; says whether it did. */
export async function signalProcess(
  id: ProcessId | undefined,
  signal: NodeJS.Signals,
  options: { readonly proc?: string; readonly kill?: Kill } = {},
): Promise<boolean> {
  if (id === undefined || !(await isRunning(id, options.proc))) return false;
  (options.kill ?? process.kill)(id.pid, signal);
  return true;
}

/** SIGTERM, then SIGKILL after `graceMs`; returns once the process is gone. */
export async function stopProcess(id: ProcessId | undefined, graceMs: number): Promise<void> {
  const gone = async (): Promise<boolean> => !(await isRunning(id));
  if (!(await signalProcess(id, 'SIGTERM'))) return;
  if (await poll(gone, { limitMs: graceMs, everyMs: 20 })) return;
  await signalProcess(id, 'SIGKILL');
  if (!(await poll(gone, { limitMs: 10_000, everyMs: 20 })))
    throw new Error(`process ${id?.pid} does not end`);
}
