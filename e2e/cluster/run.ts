import { spawn } from 'node:child_process';
import { closeSync, createReadStream, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { identify } from './process';
import type { ProcessId } from './process';

export type Argv = readonly [string, ...string[]];

/** A command line as a value. Built by pure functions, run here. */
export interface Command {
  readonly argv: Argv;
  readonly cwd?: string;
  /** Added to the tool's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** File that becomes the standard input; none otherwise. */
  readonly inputFile?: string;
  /** Milliseconds until the command is killed, 60 000 unless given. */
  readonly limitMs?: number;
}

export class CommandFailed extends Error {
  readonly status: number | null;
  readonly stderr: string;
  constructor(argv: Argv, status: number | null, stderr: string) {
    super(`\`${argv.join(' ')}\` ended with ${status ?? 'a signal or its time limit'}: ${tail(stderr)}`);
    this.name = 'CommandFailed';
    this.status = status;
    this.stderr = stderr;
  }
}

const tail = (text: string): string => text.trim().slice(-2000);

/** Runs a command to its end and returns its standard output; anything but status 0 throws CommandFailed. */
export async function run(command: Command): Promise<string> {
  const [file, ...args] = command.argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: command.cwd ?? '/',
      env: { ...process.env, ...command.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: command.limitMs ?? 60_000,
      killSignal: 'SIGKILL',
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => undefined); // the command may end before it has read everything
    const broken = (error: Error): void => {
      child.kill('SIGKILL'); // it must not take a part of its input for the whole
      reject(error);
    };
    if (command.inputFile === undefined) child.stdin.end();
    else createReadStream(command.inputFile).on('error', broken).pipe(child.stdin);
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve(Buffer.concat(out).toString());
      else reject(new CommandFailed(command.argv, status, Buffer.concat(err).toString()));
    });
  });
}

/** Whether the command ends with status 0. */
export async function succeeds(command: Command): Promise<boolean> {
  return run(command).then(
    () => true,
    () => false,
  );
}

/** Runs a command with the caller's terminal and returns its exit status. */
export async function attach(argv: Argv): Promise<number> {
  const [file, ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
}

/** What daemons see of the environment: nothing of the caller's shell. */
const DAEMON_ENV = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' };

/** Starts a program that outlives the tool; its output goes to the end of `logFile`. */
export async function startDaemon(
  argv: Argv,
  logFile: string,
  env: Readonly<Record<string, string>> = DAEMON_ENV,
): Promise<ProcessId> {
  await mkdir(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  try {
    const [file, ...args] = argv;
    const child = spawn(file, args, {
      cwd: '/',
      env,
      detached: true,
      stdio: ['ignore', log, log],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const id = child.pid === undefined ? undefined : await identify(child.pid);
    if (id === undefined) throw new Error(`${argv.join(' ')} ended at once, see ${logFile}`);
    return id;
  } finally {
    closeSync(log);
  }
}
