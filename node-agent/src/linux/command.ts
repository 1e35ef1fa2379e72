/** Runs a program with a deadline. CRIU leaves helpers behind when only its first process is killed, so the whole group goes. */
import type { StdioOptions } from 'node:child_process';
import { spawn } from 'node:child_process';

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

export function command(argv: readonly string[], options: CommandOptions): Promise<Finished> {
  const [file = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(options.fds ?? [])];
    const child = spawn(file, args, { stdio, env: { ...options.env }, detached: true });
    options.afterSpawn?.();
    let [killed, late, stdout, stderr] = [false, false, '', ''];
    const forget = endInTime(options, (isLate) => {
      [killed, late] = [true, isLate];
      if (child.pid !== undefined) killGroup(child.pid);
    });
    child.stdout?.on('data', (chunk: Buffer) => (stdout = (stdout + chunk.toString()).slice(-KEPT)));
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-KEPT);
      options.onStderr?.(chunk.toString());
    });
    // Somebody outside of the group may hold the pipes of one that was killed: their end is not waited for.
    child.on('exit', () => {
      if (killed) for (const pipe of [child.stdout, child.stderr]) pipe?.destroy();
    });
    child.on('error', (cause) => {
      forget();
      reject(new Error(`run ${file}: ${cause.message}`, { cause }));
    });
    child.on('close', (code) => {
      forget();
      resolve({ code: late ? 124 : (code ?? 137), stdout, stderr });
    });
  });
}
