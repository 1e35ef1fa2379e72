/** Runs a program with a deadline. CRIU leaves helpers behind when only its first process is killed, so the whole group goes. */
import type { StdioOptions } from 'node:child_process';
import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly deadlineMs: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Extra descriptors for the child, from number 3 on. */
  readonly fds?: readonly number[];
  readonly onStderr?: (text: string) => void;
  /** Called as soon as the child exists. */
  readonly afterSpawn?: () => void;
}

export interface Finished {
  /** 128 + signal where it was killed; 124 where the deadline passed. */
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

export function command(argv: readonly string[], options: CommandOptions): Promise<Finished> {
  const [file = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(options.fds ?? [])];
    const child = spawn(file, args, { stdio, env: { ...options.env }, detached: true });
    options.afterSpawn?.();
    let late = false;
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(
      () => {
        late = true;
        if (child.pid !== undefined) killGroup(child.pid);
      },
      Math.min(options.deadlineMs, LONGEST_TIMER_MS),
    );
    child.stdout?.on('data', (chunk: Buffer) => (stdout = (stdout + chunk.toString()).slice(-KEPT)));
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-KEPT);
      options.onStderr?.(chunk.toString());
    });
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(new Error(`run ${file}: ${cause.message}`, { cause }));
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: late ? 124 : (code ?? 137), stdout, stderr });
    });
  });
}
