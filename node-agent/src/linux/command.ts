/** Runs a program with a deadline. CRIU leaves helpers behind when only its first process is killed, so the whole group goes. */
import type { StdioOptions } from 'node:child_process';
import { $ } from 'zx/core';

export interface CommandOptions {
  /** Absent = waited for without a limit. */
  readonly deadlineMs?: number;
  /** Ends the group, as the deadline does. */
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  /** Extra descriptors for the child, from number 3 on. */
  readonly fds?: readonly number[];
  readonly onStderr?: (text: string) => void;
  /** Called as soon as the child exists. */
  readonly afterSpawn?: () => void;
}

export interface Finished {
  /** 137 where it was killed; 124 where the deadline passed. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A group that has ended meanwhile is what was wanted. */
function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A longer one would fire at once (timers of Node are 32 bit). */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const KEPT = 64 * 1024;

/** Calls `end` at the deadline or when it is asked to stop, whichever is first; the returned function forgets about both. */
function endInTime({ deadlineMs, signal }: CommandOptions, end: (late: boolean) => void): () => void {
  const stop = () => end(false);
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  const timer =
    deadlineMs === undefined
      ? undefined
      : setTimeout(() => end(true), Math.min(deadlineMs, LONGEST_TIMER_MS));
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  };
}

/** For sh: zx's own quoting is bash's. */
const quoted = (argument: string): string => `'${argument.replaceAll("'", "'\\''")}'`;

/** The shell becomes the program, so that the process that zx knows is the one that leads the group. */
const shell = { shell: '/bin/sh', prefix: 'exec ', postfix: '', quote: quoted } as const;
const run = $({ ...shell, nothrow: true, quiet: true, detached: true });

/** How sh says that it could not run a program (POSIX, 2.8.2 Exit Status for Commands). */
const NOT_RUN = [126, 127];

export async function command(argv: readonly string[], options: CommandOptions): Promise<Finished> {
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(options.fds ?? [])];
  const running = run({ stdio, env: { ...options.env } })`${argv}`;
  const { child } = running;
  options.afterSpawn?.();
  let [killed, late] = [false, false];
  const forget = endInTime(options, (isLate) => {
    [killed, late] = [true, isLate];
    if (child?.pid !== undefined) killGroup(child.pid);
  });
  child?.stderr?.on('data', (chunk: Buffer) => options.onStderr?.(chunk.toString()));
  // Somebody outside of the group may hold the pipes of one that was killed: their end is not waited for.
  child?.on('exit', () => {
    if (killed) for (const pipe of [child.stdout, child.stderr]) pipe?.destroy();
  });
  const { exitCode, stdout, stderr } = await running;
  forget();
  if (NOT_RUN.includes(exitCode ?? 0) && !killed)
    throw new Error(`run ${argv[0] ?? 'nothing'}: ${stderr.trim()}`);
  return { code: late ? 124 : (exitCode ?? 137), stdout: stdout.slice(-KEPT), stderr: stderr.slice(-KEPT) };
}
