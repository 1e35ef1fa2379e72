/** Runs CRIU's restore with a deadline, and says in its own words why it failed. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { inherited, joined, pidFile, restoreArgs } from './args';
import type { Job } from './job';

/** The pid of the restored root, in our pid namespace. Throws RestoreFailed; what was half restored is for the agent to end. */
export async function restoreTree(job: Job, manifest: Manifest): Promise<number> {
  for (const stale of [pidFile(job), logFile(job)]) rmSync(stale, { force: true });
  // A file: whoever is restored and keeps it keeps nobody waiting.
  const said = openSync(saidFile(job), 'w', 0o600);
  const [file = '', ...args] = joined(job, restoreArgs(job, manifest));
  const fds = inherited(manifest, job).map(({ fd }) => fd);
  let late = false;
  const code = await new Promise<number>((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', said, said, ...fds], detached: true });
    const timer = setTimeout(() => {
      late = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, job.deadlineMs);
    child.on('error', reject);
    child.on('exit', (status) => {
      clearTimeout(timer);
      resolve(status ?? 137);
    });
  }).finally(() => closeSync(said));
  if (late)
    throw new TerminalError('DeadlineExceeded', `criu restore did not end within its deadline: ${why(job)}`);
  if (code !== 0) throw new TerminalError('RestoreFailed', `criu restore: exit ${code}: ${why(job)}`);
  const pid = existsSync(pidFile(job)) ? Number(readFileSync(pidFile(job), 'utf8').trim()) : 0;
  if (!(pid > 1)) throw new TerminalError('RestoreFailed', 'criu restore left no pid of the restored root');
  return pid;
}

/** What the programs before CRIU have to say, and CRIU before it has a log. */
const saidFile = (job: Job): string => `${job.work}/criu.stderr`;

function lastWords(job: Job): string {
  const text = readFileSync(saidFile(job), 'utf8').trim();
  return text === '' ? 'it said nothing' : text.slice(-500).replaceAll('\n', '; ');
}

const logFile = (job: Job): string => `${job.work}/restore.log`;

function why(job: Job): string {
  const log = logFile(job);
  if (!existsSync(log)) return `it left no log; ${lastWords(job)}`;
  const errors = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('Error'));
  return ends(errors.map((line) => line.slice(0, LONGEST_LINE))).join('; ') || 'no error in its log';
}

const LONGEST_LINE = 400;
const AT_EACH_END = 2;

/** The first errors tell the cause, the last ones what CRIU gave up. */
const ends = (lines: readonly string[]): readonly string[] =>
  lines.length <= 2 * AT_EACH_END
    ? lines
    : [...lines.slice(0, AT_EACH_END), '…', ...lines.slice(-AT_EACH_END)];
