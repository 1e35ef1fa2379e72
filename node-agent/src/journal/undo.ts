/** Takes back what a journal entry says; each step may be repeated, and may find that there is nothing left to do. */
import { existsSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { TerminalError, unreachable } from '@dynamo-snapshot/api/errors';
import { killLeftovers, thaw } from '../linux/cgroup';
import { isAlive, status } from '../linux/proc';
import type { UndoStep } from './entry';

export function takeBack(step: UndoStep): void {
  switch (step.do) {
    case 'thaw':
      if (existsSync(step.freezer)) thaw(step.freezer);
      return;
    case 'continue':
      for (const ref of step.processes)
        if (isAlive(ref) && status(ref.pid)?.state === 'T') process.kill(ref.pid, 'SIGCONT');
      return;
    case 'remove':
      if (!basename(step.path).startsWith('.staging-'))
        throw new TerminalError('InvalidJournal', `${step.path} is no staging folder and is not removed`);
      rmSync(step.path, { recursive: true, force: true });
      return;
    case 'killRestored':
      killLeftovers(step, step.placeholder);
      return;
    default:
      unreachable(step);
  }
}
