/** Runs CRIU's restore with a deadline, and says in its own words why it failed. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { inherited, joined, pidFile, restoreArgs } from './args';
import type { Job } from './job';

/** The pid of the restored root, in our pid namespace. Throws RestoreFailed; what was half restored is for the agent to end. */
export async function restoreTree(job: Job, manifest: Manifest): Promise<number> {
  rmSync(pidFile(job), { force: true });
  const [file = '', ...args] = joined(job, restoreArgs(job, manifest));
  const fds = inherited(manifest, job).map(({ fd }) => fd);
  const code = await new Promise<number>((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 2, 2, ...fds], detached: true });
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, job.deadlineMs);
    child.on('error', reject);
    child.on('exit', (status) => {
      clearTimeout(timer);
      resolve(status ?? 137);
    });
  });
  if (code !== 0) throw new TerminalError('RestoreFailed', `criu restore: exit ${code}: ${why(job)}`);
  return Number(readFileSync(pidFile(job), 'utf8').trim());
}

function why(job: Job): string {
  const log = `${job.work}/restore.log`;
  if (!existsSync(log)) return 'it left no log';
  const errors = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('Error'));
  return errors.slice(-4).join('; ').slice(-1500) || 'no error in its log';
}
